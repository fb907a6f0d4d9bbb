"""Common Hebrew words, written without vowel points, and their pronunciation.

Most letters have their usual sounds. X is ח and כ, c is צ, S is ש, C is צ' and j is ג'. An
apostrophe is an audible glottal stop. The stress is on the last syllable, unless an accent marks
another.
"""

WORDS = """
שלום=Salom ברוך=baruX ברוכים=bruXim הבא=haba הבאים=haba'im זוהי=zóhi זהו=zéhu זה=ze זאת=zot זו=zo
דוגמה=dugma דוגמא=dugma קול=kol קולות=kolot חדש=XadaS חדשה=XadaSa חדשים=XadaSim חדשות=XadaSot
נוצר=nocar נוצרה=nocra מתוך=mitoX תוך=toX הקלטה=haklata הקלטות=haklatot קצר=kacar קצרה=kcara
קצרים=kcarim תודה=toda רבה=raba רב=rav רבים=rabim על=al הקשבה=hakSava יהיה=yihye תהיה=tihye
יהיו=yihyu היה=haya הייתה=hayta היתה=hayta היו=hayu הייתי=hayíti היית=hayíta להיות=lihyot לכם=laXem
לכן=laXen לי=li לך=leXa לו=lo לה=la לנו=lánu להם=lahem יום=yom ימים=yamim נעים=na'im נעימה=ne'ima
אני=ani אתה=ata את=et אתם=atem אתן=aten אנחנו=anáXnu הוא=hu היא=hi הם=hem הן=hen אנו=ánu אותי=oti
אותך=otXa אותו=oto אותה=ota אותנו=otánu אתכם=etXem אותם=otam שלי=Seli שלך=SelXa שלו=Selo שלה=Sela
שלנו=Selánu שלכם=SelaXem שלהם=Selahem של=Sel מה=ma מי=mi איפה=éyfo איך=eX למה=láma מדוע=madúa
מתי=matay כמה=káma איזה=éyze איזו=éyzo אילו=élu אלה=éle אלו=élu כן=ken לא=lo אולי=ulay גם=gam רק=rak
עוד=od כבר=kvar עכשיו=aXSav אז=az כאן=kan פה=po שם=Sam הנה=hine כל=kol הכל=hakol הכול=hakol
כלום=klum משהו=máSehu מישהו=míSehu אחד=eXad אחת=aXat שני=Sney שתי=Stey שניים=Snáyim שתיים=Stáyim
שלוש=SaloS שלושה=SloSa ארבע=árba ארבעה=arba'a חמש=XameS חמישה=XamiSa שש=SeS שישה=SiSa שבע=Séva
שבעה=Siv'a שמונה=Smóne תשע=téSa תשעה=tiS'a עשר=éser עשרה=asara עשרים=esrim מאה=me'a אלף=élef
מיליון=milyon ראשון=riSon ראשונה=riSona אחרון=aXaron אחרונה=aXarona אחר=aXer אחרת=aXéret
אחרים=aXerim אחרי=aXarey לפני=lifney בין=beyn תחת=táXat מעל=me'al ליד=leyad אצל=écel עם=im בלי=bli
עד=ad אל=el אם=im כי=ki כאשר=ka'aSer אשר=aSer אבל=aval או=o אך=aX כמו=kmo לפי=lefi בגלל=biglal
למרות=lamrot כדי=kdey בשביל=biSvil אין=eyn יש=yeS הרבה=harbe מעט=me'at קצת=kcat מאוד=me'od
יותר=yoter פחות=paXot ביותר=beyoter תמיד=tamid אף=af פעם=pá'am פעמים=pe'amim היום=hayom מחר=maXar
אתמול=etmol שבוע=Savúa שבועות=Savu'ot חודש=XódeS חודשים=XodaSim שנה=Sana שנים=Sanim שעה=Sa'a
שעות=Sa'ot דקה=daka דקות=dakot רגע=réga בוקר=bóker ערב=érev לילה=láyla צהריים=cohoráyim זמן=zman
עת=et תאריך=ta'ariX עתיד=atid עבר=avar סוף=sof התחלה=hatXala טוב=tov טובה=tova טובים=tovim רע=ra
גדול=gadol גדולה=gdola גדולים=gdolim קטן=katan קטנה=ktana ארוך=aroX יפה=yafe יפים=yafim חם=Xam
קר=kar חזק=Xazak חלש=XalaS קל=kal קשה=kaSe מהיר=mahir איטי=iti צעיר=ca'ir זקן=zaken ישן=yaSan
יקר=yakar זול=zol נכון=naXon אמת=emet שקר=Séker חשוב=XaSuv חשובה=XaSuva מעניין=me'anyen אפשר=efSar
אי=i צריך=cariX צריכה=criXa חייב=Xayav יכול=yaXol יכולה=yeXola יכולים=yeXolim רוצה=roce רוצים=rocim
אוהב=ohev אוהבת=ohévet אוהבים=ohavim יודע=yodéa יודעת=yodá'at יודעים=yod'im חושב=XoSev חושבת=XoSévet
חושבים=XoSvim מדבר=medaber מדברת=medabéret מדברים=medabrim אומר=omer אומרת=oméret אומרים=omrim
אמר=amar אמרה=amra אמרתי=amárti הולך=holeX הולכת=holéXet הולכים=holXim הלך=halaX הלכתי=haláXti בא=ba
באה=ba'a באים=ba'im עושה=ose עושים=osim עשה=asa רואה=ro'e רואים=ro'im ראה=ra'a ראיתי=ra'íti
שומע=Soméa שומעים=Som'im שמע=Sama לשמוע=liSmóa להקשיב=lehakSiv מקשיב=makSiv מקשיבים=makSivim
קורא=kore קוראת=koret קוראים=kor'im קרא=kara לקרוא=likro כותב=kotev כותבת=kotévet כתב=katav
כתבתי=katávti לכתוב=liXtov לומד=lomed לומדת=loméret לומדים=lomdim ללמוד=lilmod למד=lamad
מלמד=melamed עובד=oved עובדת=ovédet עובדים=ovdim לעבוד=la'avod עבודה=avoda גר=gar גרה=gára
גרים=garim אוכל=óXel לאכול=le'eXol שותה=Sote לשתות=liStot לישון=liSon לקח=lakaX נתן=natan לתת=latet
לקחת=lakáXat ללכת=laléXet לבוא=lavo לראות=lir'ot לדעת=lada'at לעשות=la'asot לומר=lomar להגיד=lehagid
לדבר=ledaber לחשוב=laXSov להבין=lehavin מבין=mevin מבינה=mevina הבין=hevin רצה=raca לרצות=lircot
יצא=yaca לצאת=lacet נכנס=niXnas להיכנס=lehikanes חזר=Xazar לחזור=laXzor התחיל=hitXil מתחיל=matXil
להתחיל=lehatXil נגמר=nigmar מקבל=mekabel לקבל=lekabel קיבל=kibel שלח=SalaX לשלוח=liSlóaX מצא=maca
למצוא=limco קנה=kana לקנות=liknot מוכר=moXer למכור=limkor פתח=pataX לפתוח=liftóaX סגר=sagar
לסגור=lisgor עזר=azar לעזור=la'azor עזרה=ezra חיפש=XipeS לחפש=leXapes שיחק=siXek לשחק=lesaXek
בית=báyit בתים=batim ביתי=beyti ספר=séfer ספרים=sfarim בתי=batey חדר=Xéder חדרים=Xadarim דלת=délet
חלון=Xalon שולחן=SulXan כיסא=kise מיטה=mita מטבח=mitbaX רחוב=reXov רחובות=reXovot עיר=ir ערים=arim
מדינה=medina מדינת=medinat ארץ=érec עולם=olam שמיים=Samáyim שמש=SémeS ירח=yaréaX כוכב=koXav ים=yam
נהר=nahar הר=har הרים=harim מים=máyim אש=eS אוויר=avir רוח=rúaX גשם=géSem שלג=Séleg עץ=ec עצים=ecim
פרח=péraX פרחים=praXim יער=yá'ar ילד=yéled ילדה=yalda ילדים=yeladim ילדות=yaldut איש=iS אישה=iSa
אשה=iSa נשים=naSim אנשים=anaSim אדם=adam גבר=géver בן=ben בת=bat בנים=banim בנות=banot אב=av אבא=ába
אימא=íma אמא=íma הורים=horim אח=aX אחות=aXot אחים=aXim סבא=sába סבתא=sávta משפחה=miSpaXa חבר=Xaver
חברה=Xevra חברים=Xaverim מורה=more תלמיד=talmid תלמידים=talmidim כיתה=kita שיעור=Si'ur
לימודים=limudim אוניברסיטה=univérsita רופא=rofe בריאות=bri'ut חולה=Xole גוף=guf ראש=roS עין=áyin
עיניים=eynáyim אוזן=ózen יד=yad ידיים=yadáyim רגל=régel רגליים=ragláyim לב=lev דם=dam חיים=Xayim
חי=Xay מוות=mávet כלב=kélev חתול=Xatul סוס=sus ציפור=cipor דג=dag פרה=para לחם=léXem חלב=Xalav
ביצה=beyca בשר=basar תפוח=tapúaX מיץ=mic קפה=kafe תה=te סוכר=sukar מלח=mélaX ארוחה=aruXa
ארוחת=aruXat כסף=késef שקל=Sékel שקלים=Skalim מחיר=meXir חנות=Xanut שוק=Suk מכונית=meXonit אוטו=óto
אוטובוס=ótobus רכבת=rakévet מטוס=matos דרך=déreX נסיעה=nesi'a טיול=tiyul טלפון=télefon מחשב=maXSev
אינטרנט=ínternet אתר=atar מידע=meyda תוכנה=toXna תוכנית=toXnit תמונה=tmuna תמונות=tmunot סרט=séret
שיר=Sir שירים=Sirim מוזיקה=múzika סיפור=sipur סיפורים=sipurim מילה=mila מילים=milim משפט=miSpat
שאלה=Se'ela שאלות=Se'elot תשובה=tSuva תשובות=tSuvot שפה=safa עברית=ivrit אנגלית=anglit ערבית=aravit
ישראל=yisra'el ישראלי=yisra'eli ישראלים=yisra'elim ירושלים=yeruSaláyim תל=tel אביב=aviv חיפה=Xéyfa
באר=be'er אמריקה=amérika אירופה=eyrópa יהודי=yehudi יהודים=yehudim ממשלה=memSala ממשלת=memSélet
כנסת=knéset ראשי=raSi נשיא=nasi שר=sar חוק=Xok חוקים=Xukim משטרה=miStara צבא=cava מלחמה=milXama
בעיה=be'aya בעיות=be'ayot פתרון=pitaron דבר=davar דברים=dvarim מקום=makom מקומות=mekomot סיבה=siba
תוצאה=toca'a חלק=Xélek חלקים=Xalakim מספר=mispar מספרים=misparim שמות=Semot צבע=céva אדום=adom
כחול=kaXol ירוק=yarok צהוב=cahov לבן=lavan שחור=SaXor אהבה=ahava שמחה=simXa שמח=saméaX שמחים=smeXim
עצוב=acuv פחד=páXad תקווה=tikva חלום=Xalom חלומות=Xalomot רעיון=ra'ayon דעה=de'a מחשבה=maXSava
זיכרון=zikaron כוח=kóaX אור=or חושך=XóSeX צל=cel שקט=Séket בבקשה=bevakaSa סליחה=sliXa
להתראות=lehitra'ot בהצלחה=behaclaXa מזל=mazal ברכה=braXa שבת=Sabat חג=Xag תורה=tora אלוהים=elohim
בערך=be'éreX לדוגמה=ledugma בעצם=be'écem בדרך=badéreX כלל=klal בכלל=biXlal בדיוק=bediyuk
באמת=be'emet בוודאי=bevaday כנראה=kanir'e אולם=ulam עצמו=acmo עצמה=acma עצמי=acmi ביחד=beyáXad
יחד=yáXad לבד=levad מחדש=meXadaS שוב=Suv פתאום=pit'om מיד=miyad מהר=maher לאט=le'at בסדר=beséder
סדר=séder מלך=méleX מלכה=malka נפש=néfeS גן=gan גנים=ganim בניין=binyan קומה=koma שער=Sá'ar קיר=kir
אבן=éven זהב=zahav צילום=cilum סרטון=sirton הודעה=hoda'a מכתב=miXtav עיתון=iton עיתונות=itona'ut
טכנולוגיה=teXnológya מערכת=ma'aréXet שירות=Serut שימוש=SimuS מוצר=mucar חברת=Xevrat לקוח=lakóaX
לקוחות=lakoXot שותף=Sutaf מנהל=menahel צוות=cévet פרויקט=próyekt ניסיון=nisayon מחקר=meXkar מדע=mada
מדעי=mada'i תרבות=tarbut אמנות=omanut היסטוריה=histórya חינוך=XinuX כלכלה=kalkala פוליטיקה=politika
ביטחון=bitaXon שינוי=Sinuy
"""
