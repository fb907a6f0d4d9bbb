"""Common Arabic words without vowel marks, and their pronunciation before a pause.

The pronunciation is in Buckwalter's letters (v ث, H ح, x خ, * ذ, $ ش, S ص, D ض, T ط, Z ظ, E ع, g
غ, ' ء). Short vowels are a i u, long vowels A I U.
"""

WORDS = """
هذا=hA*A هذه=hA*ihi ذلك=*Alika تلك=tilka هؤلاء=hA'ulA' الذي=alla*I التي=allatI الذين=alla*Ina
هنا=hunA هناك=hunAka من=min في=fI على=EalA إلى=ilA الى=ilA عن=Ean مع=maEa عند=Einda لدى=ladA
حتى=HattA منذ=mun*u بين=bayna تحت=taHta فوق=fawqa أمام=amAma خلف=xalfa خلال=xilAla حول=Hawla
ضد=Didda دون=dUna بدون=bidUni بعد=baEda قبل=qabla أو=aw أم=am ثم=vumma لكن=lAkin لأن=li'anna إن=inna
أن=an إذا=i*A لو=law كي=kay لا=lA لم=lam لن=lan ما=mA ماذا=mA*A متى=matA أين=ayna كيف=kayfa
لماذا=limA*A كم=kam هل=hal نعم=naEam قد=qad لقد=laqad سوف=sawfa ليس=laysa ليست=laysat كان=kAna
كانت=kAnat كانوا=kAnU كنت=kuntu يكون=yakUn تكون=takUn أكون=akUn سيكون=sayakUn كن=kun أنا=anA
أنت=anta نحن=naHnu هو=huwa هي=hiya هم=hum هما=humA أنتم=antum له=lahu لها=lahA لهم=lahum لنا=lanA
لي=lI لك=laka لكم=lakum به=bihi بها=bihA بهم=bihim منه=minhu منها=minhA منهم=minhum فيه=fIhi
فيها=fIhA عليه=Ealayhi عليها=EalayhA عليهم=Ealayhim عليكم=Ealaykum عليك=Ealayka إليه=ilayhi
إليها=ilayhA إليك=ilayka عنه=Eanhu عنها=EanhA معه=maEahu معها=maEahA معك=maEaka كل=kull كلها=kulluhA
بعض=baED غير=gayr مثل=mivl أي=ayy أية=ayya نفس=nafs ذات=*At كما=kamA بل=bal إلا=illA فقط=faqaT
جدا=jiddan أيضا=ayDan حيث=Hayvu حين=HIn عندما=EindamA بينما=baynamA كذلك=ka*Alika لذلك=li*Alika
هكذا=hAka*A الآن=al'An اليوم=alyawm أمس=ams غدا=gadan دائما=dA'iman أحيانا=aHyAnan ربما=rubbamA
معا=maEan عادة=EAdatan مرحبا=marHaban أهلا=ahlan سهلا=sahlan شكرا=$ukran عفوا=Eafwan سلام=salAm
صباح=SabAH مساء=masA' خير=xayr نور=nUr حال=HAl حالك=HAluk بخير=bixayr الله=allAh والله=wallAh
بسم=bismi الحمد=alHamdu لله=lillAh رحمن=raHmAn رحيم=raHIm إله=ilAh محمد=muHammad أحمد=aHmad علي=EalI
حسن=Hasan حسين=Husayn عبد=Eabd عمر=Eumar إبراهيم=ibrAhIm يوسف=yUsuf موسى=mUsA عيسى=EIsA مريم=maryam
فاطمة=fATima خالد=xAlid سعيد=saEId نبي=nabiyy رسول=rasUl قرآن=qur'An إسلام=islAm إسلامي=islAmI
مسلم=muslim مسلمين=muslimIn دين=dIn كتاب=kitAb كتب=kutub كاتب=kAtib مكتب=maktab مكتبة=maktaba
قلم=qalam مدرسة=madrasa مدارس=madAris معلم=muEallim مدرس=mudarris طالب=TAlib طالبة=TAliba
طلاب=TullAb جامعة=jAmiEa علم=Eilm علوم=EulUm عالم=EAlam تعليم=taElIm درس=dars لغة=luga عربي=Earabi
عربية=Earabiyya إنجليزية=inglIziyya كلمة=kalima كلمات=kalimAt كلام=kalAm جملة=jumla صوت=Sawt
أصوات=aSwAt عينة=Eayyina تسجيل=tasjIl صنعت=SuniEat جديد=jadId جديدة=jadIda قصير=qaSIr قصيرة=qaSIra
طويل=TawIl كبير=kabIr كبيرة=kabIra صغير=SagIr صغيرة=SagIra كثير=kavIr كثيرا=kavIran قليل=qalIl
جميل=jamIl جميلة=jamIla جيد=jayyid جيدة=jayyida سيئ=sayyi' قديم=qadIm قوي=qawiyy ضعيف=DaEIf سهل=sahl
صعب=SaEb قريب=qarIb بعيد=baEId سريع=sarIE حار=HArr بارد=bArid أول=awwal أولى=UlA ثاني=vAnI
ثانية=vAniya ثالث=vAliv آخر=Axar أخرى=uxrA أخير=axIr أخيرا=axIran واحد=wAHid واحدة=wAHida
اثنان=ivnAn اثنين=ivnayn ثلاثة=valAva أربعة=arbaEa خمسة=xamsa ستة=sitta سبعة=sabEa ثمانية=vamAniya
تسعة=tisEa عشرة=Ea$ara مئة=mi'a مائة=mi'a ألف=alf آلاف=AlAf مليون=milyUn مليار=milyAr نصف=niSf
أكثر=akvar أقل=aqall أكبر=akbar أفضل=afDal أحسن=aHsan أهم=ahamm معظم=muEZam جميع=jamIE عدد=Eadad
عدة=Eidda كثرة=kavra مرة=marra مرات=marrAt وقت=waqt زمن=zaman ساعة=sAEa ساعات=sAEAt دقيقة=daqIqa
يوم=yawm أيام=ayyAm أسبوع=usbUE شهر=$ahr شهور=$uhUr سنة=sana سنوات=sanawAt عام=EAm عاما=EAman
أعوام=aEwAm ليل=layl ليلة=layla نهار=nahAr فجر=fajr ظهر=Zuhr عصر=EaSr مغرب=magrib رجل=rajul
رجال=rijAl امرأة=imra'a نساء=nisA' ولد=walad أولاد=awlAd بنت=bint بنات=banAt طفل=Tifl أطفال=aTfAl
ابن=ibn أب=ab أبي=abI أمي=ummI أخ=ax أخي=axI أخت=uxt عائلة=EA'ila أسرة=usra صديق=SadIq
أصدقاء=aSdiqA' ناس=nAs شخص=$axS أشخاص=a$xAS إنسان=insAn بشر=ba$ar شعب=$aEb مواطن=muwATin بيت=bayt
بيوت=buyUt منزل=manzil غرفة=gurfa باب=bAb نافذة=nAfi*a شارع=$AriE مدينة=madIna مدن=mudun قرية=qarya
بلد=balad بلاد=bilAd دولة=dawla دول=duwal وطن=waTan وطني=waTanI عاصمة=EASima مكان=makAn
منطقة=minTaqa أرض=arD سماء=samA' شمس=$ams قمر=qamar نجم=najm بحر=baHr نهر=nahr جبل=jabal ماء=mA'
مياه=miyAh نار=nAr هواء=hawA' ريح=rIH مطر=maTar شجرة=$ajara زهرة=zahra حيوان=HayawAn كلب=kalb
قطة=qiTTa حصان=HiSAn طائر=TA'ir سمك=samak خبز=xubz لحم=laHm حليب=HalIb قهوة=qahwa شاي=$Ay سكر=sukkar
ملح=milH طعام=TaEAm أكل=akl فاكهة=fAkiha تفاح=tuffAH مال=mAl سعر=siEr سوق=sUq شركة=$arika
شركات=$arikAt بنك=bank عمل=Eamal عمال=EummAl أعمال=aEmAl شغل=$ugl مشروع=ma$rUE مشكلة=mu$kila
مشاكل=ma$Akil حل=Hall سؤال=su'Al جواب=jawAb فكرة=fikra رأي=ra'y خبر=xabar أخبار=axbAr حكومة=HukUma
رئيس=ra'Is وزير=wazIr وزارة=wizAra ملك=malik مملكة=mamlaka حزب=Hizb حرب=Harb سلطة=sulTa قانون=qAnUn
حق=Haqq حقوق=HuqUq حرية=Hurriyya قوات=quwwAt جيش=jay$ شرطة=$urTa أمن=amn سياسة=siyAsa سياسي=siyAsI
سياسية=siyAsiyya اقتصاد=iqtiSAd اجتماعي=ijtimAEI ثقافة=vaqAfa تاريخ=tArIx مصر=miSr سعودية=saEUdiyya
سوريا=sUriyA سورية=sUriyya لبنان=lubnAn أردن=urdunn عراق=EirAq فلسطين=filasTIn جزائر=jazA'ir
تونس=tUnis ليبيا=lIbyA سودان=sUdAn يمن=yaman قطر=qaTar كويت=kuwayt إمارات=imArAt دبي=dubayy
القاهرة=alqAhira بغداد=bagdAd دمشق=dima$q بيروت=bayrUt قدس=quds مكة=makka أمريكا=amrIkA
متحدة=muttaHida ولايات=wilAyAt أوروبا=urubbA فرنسا=faransA ألمانيا=almAniyA روسيا=rUsiyA صين=SIn
هند=hind يابان=yAbAn تركيا=turkiyA إيران=IrAn إسرائيل=isrA'Il حياة=HayAh موت=mawt صحة=SiHHa
مستشفى=musta$fA طبيب=TabIb دكتور=duktUr مريض=marID دواء=dawA' قلب=qalb رأس=ra's وجه=wajh عين=Eayn
عيون=EuyUn أذن=u*un فم=fam يد=yad جسم=jism دم=dam روح=rUH عقل=Eaql حب=Hubb سعادة=saEAda فرح=faraH
حزن=Huzn خوف=xawf أمل=amal حلم=Hulm حقيقة=HaqIqa قال=qAla قالت=qAlat يقول=yaqUl تقول=taqUl أقول=aqUl
قلت=qultu ذهب=*ahaba يذهب=ya*hab ذهبت=*ahabtu أذهب=a*hab جاء=jA'a يأتي=ya'tI أتى=atA عاد=EAda
يعود=yaEUd رأى=ra'A يرى=yarA رأيت=ra'aytu سمع=samiEa يسمع=yasmaE يكتب=yaktub قرأ=qara'a يقرأ=yaqra'
عرف=Earafa يعرف=yaErif أعرف=aErif يعلم=yaElam فهم=fahima يفهم=yafham فكر=fakkara يفكر=yufakkir
أراد=arAda يريد=yurId تريد=turId أريد=urId أحب=uHibb يحب=yuHibb تحب=tuHibb نحب=nuHibb يعمل=yaEmal
أعمل=aEmal فعل=faEala يفعل=yafEal أخذ=axa*a يأخذ=ya'xu* أعطى=aETA يعطي=yuETI وجد=wajada يجد=yajid
وصل=waSala يصل=yaSil دخل=daxala يدخل=yadxul خرج=xaraja يخرج=yaxruj جلس=jalasa يجلس=yajlis وقف=waqafa
يقف=yaqif يأكل=ya'kul شرب=$ariba يشرب=ya$rab نام=nAma ينام=yanAm لعب=laEiba يلعب=yalEab يدرس=yadrus
سأل=sa'ala يسأل=yas'al أجاب=ajAba بدأ=bada'a يبدأ=yabda' انتهى=intahA ينتهي=yantahI تنتهي=tantahI
يمكن=yumkin يجب=yajib أصبح=aSbaHa يصبح=yuSbiH زال=zAla يزال=yazAl تم=tamma يتم=yatimm أعلن=aElana
أكد=akkada قام=qAma يقوم=yaqUm تقوم=taqUm يوجد=yUjad توجد=tUjad يستطيع=yastaTIE أستطيع=astaTIE
نستطيع=nastaTIE يتكلم=yatakallam أتكلم=atakallam يتحدث=yataHaddav نتمنى=natamannA أتمنى=atamannA
نأمل=na'mal تنال=tanAl إعجاب=iEjAb إعجابكم=iEjAbakum استماع=istimAE بكم=bikum استخدام=istixdAm
استعمال=istiEmAl مستقبل=mustaqbal مستوى=mustawA مجتمع=mujtamaE مختلف=muxtalif مختلفة=muxtalifa
مهم=muhimm مهمة=muhimma ممكن=mumkin معلومات=maElUmAt برنامج=barnAmaj برامج=barAmij شبكة=$abaka
إنترنت=intirnit حاسوب=HAsUb هاتف=hAtif جوال=jawwAl سيارة=sayyAra سيارات=sayyArAt طائرة=TA'ira
قطار=qiTAr مطار=maTAr طريق=TarIq طرق=Turuq سفر=safar رحلة=riHla فندق=funduq مطعم=maTEam لون=lawn
أحمر=aHmar أزرق=azraq أخضر=axDar أصفر=aSfar أبيض=abyaD أسود=aswad صورة=SUra صور=Suwar فيلم=film
أغنية=ugniya موسيقى=mUsIqA لعبة=luEba رياضة=riyADa كرة=kura قدم=qadam فريق=farIq مباراة=mubArAh
شيء=$ay' أشياء=a$yA' أمر=amr أمور=umUr سبب=sabab نتيجة=natIja طريقة=TarIqa نوع=nawE شكل=$akl
جزء=juz' قسم=qism رقم=raqm اسم=ism اسمي=ismI قصة=qiSSa مثال=mivAl هدف=hadaf دور=dawr نظام=niZAm
تطور=taTawwur
"""
