"""Mandarin readings that pypinyin does not give, or not first."""

SINGLE = """
长=chang2 得=de5 觉=jue2 谁=shei2 似=si4 钻=zuan1 曲=qu3 漂=piao1 场=chang3 薄=bao2 剥=bao1
削=xiao1 便=bian4 弹=tan2 藏=cang2 系=xi4 应=ying1 尽=jin4 重=zhong4 行=xing2 乐=le4 教=jiao4
相=xiang1 调=tiao2 着=zhe5 还=hai2 都=dou1 的=de5 了=le5 为=wei4 没=mei2 会=hui4 中=zhong1 大=da4
降=jiang4 空=kong1 背=bei4 吐=tu3 卷=juan3 熟=shu2 露=lu4 嗯=en5 哦=o4 喔=o1 啊=a5
哎=ai1 欸=ei4 咱=zan2 这=zhe4 那=na4 哪=na3
"""

WORDS = """
大夫=dai4fu5 东西=dong1xi5 一行=yi4hang2 一行人=yi4xing2ren2 差不多=cha4bu5duo1 睡着=shui4zhao2
着急=zhao2ji2 着火=zhao2huo3 着凉=zhao2liang2 种树=zhong4shu4 种地=zhong4di4 种菜=zhong4cai4
种花=zhong4hua1 出差=chu1chai1 差别=cha1bie2 时差=shi2cha1 的士=di1shi4 的确=di2que4 目的=mu4di4
目的地=mu4di4di4 了解=liao3jie3 为了=wei4le5 为什么=wei4shen2me5 什么=shen2me5 怎么=zen3me5
这么=zhe4me5 那么=na4me5 多么=duo1me5 重庆=chong2qing4 六安=lu4an1 看不见=kan4bu5jian4
听不见=ting1bu5jian4 对不起=dui4bu5qi3 了不起=liao3bu5qi3 来不及=lai2bu5ji2 不了=bu4liao3
受不了=shou4bu5liao3 受得了=shou4de5liao3 忘不了=wang4bu5liao3 吃不了=chi1bu5liao3 得了=de2le5
不得了=bu4de2liao3 不得不=bu4de2bu4 值得=zhi2de5 觉得=jue2de5 记得=ji4de5 懂得=dong3de5
晓得=xiao3de5 认得=ren4de5 舍得=she3de5 睡觉=shui4jiao4 午觉=wu3jiao4 一觉=yi2jiao4 数数=shu3shu4
数一数=shu3yi5shu3 数不清=shu3bu5qing1 长得=zhang3de5 长大=zhang3da4 长高=zhang3gao1
校长=xiao4zhang3 家长=jia1zhang3 班长=ban1zhang3 成长=cheng2zhang3 增长=zeng1zhang3 还书=huan2shu1
还钱=huan2qian2 还给=huan2gei3 归还=gui1huan2 还款=huan2kuan3 还有=hai2you3 还是=hai2shi5
教书=jiao1shu1 教我=jiao1wo3 教你=jiao1ni3 教他=jiao1ta1 教她=jiao1ta1 流血=liu2xie3 数到=shu3dao4
量一量=liang2yi5liang2 好奇=hao4qi2 爱好=ai4hao4 只有=zhi3you3 只要=zhi3yao4 只是=zhi3shi4
当作=dang4zuo4 当天=dang4tian1 上当=shang4dang4 倒霉=dao3mei2 倒水=dao4shui3 干活=gan4huo2
干吗=gan4ma2 干什么=gan4shen2me5 干净=gan1jing4 饼干=bing3gan1 分子=fen1zi3 部分=bu4fen5
成分=cheng2fen5 身分=shen1fen4 空闲=kong4xian2 有空=you3kong4 填空=tian2kong4 没空=mei2kong4
量力=liang4li4 难民=nan4min2 灾难=zai1nan4 勉强=mian3qiang3 倔强=jue2jiang4 转圈=zhuan4quan1
转动=zhuan4dong4 传记=zhuan4ji4 自传=zi4zhuan4 弹琴=tan2qin2 子弹=zi3dan4 西藏=xi1zang4
宝藏=bao3zang4 朝阳区=chao2yang2qu1 住处=zhu4chu4 到处=dao4chu4 好处=hao3chu5 坏处=huai4chu5
处理=chu3li3 处于=chu3yu2 更新=geng1xin1 三更=san1geng1 提供=ti2gong1 供给=gong1ji3 给予=ji3yu3
会计=kuai4ji4 几乎=ji1hu1 茶几=cha2ji1 结实=jie1shi5 结果=jie2guo3 角色=jue2se4 主角=zhu3jue2
配角=pei4jue2 累积=lei3ji1 积累=ji1lei3 劳累=lao2lei4 落下=luo4xia4 没收=mo4shou1 淹没=yan1mo4
沉没=chen2mo4 闷热=men1re4 吓唬=xia4hu5 照相=zhao4xiang4 相机=xiang4ji1 首相=shou3xiang4
真相=zhen1xiang4 兴奋=xing1fen4 兴趣=xing4qu4 高兴=gao1xing4 要求=yao1qiu2 反应=fan3ying4
适应=shi4ying4 答应=da1ying5 供应=gong1ying4 应用=ying4yong4 参与=can1yu4 正月=zheng1yue4
挣扎=zheng1zha2 看中=kan4zhong4 中奖=zhong4jiang3 中毒=zhong4du2 作坊=zuo1fang5 喝彩=he4cai3
和面=huo2mian4 暖和=nuan3huo5 称职=chen4zhi2 对称=dui4chen4 省亲=xing3qin1 反省=fan3xing3
尽管=jin3guan3 尽量=jin3liang4 模样=mu2yang4 漂白=piao3bai2 漂亮=piao4liang5 曲子=qu3zi5 歌曲=ge1qu3
弯曲=wan1qu1 颜色=yan2se4 宿舍=su4she4 一宿=yi4xiu3 露面=lou4mian4 效率=xiao4lü4 率领=shuai4ling3
似的=shi4de5 似乎=si4hu1 供电=gong1dian4 银行=yin2hang2 行业=hang2ye4 行情=hang2qing2 内行=nei4hang2
外行=wai4hang2 同行=tong2hang2 自行车=zi4xing2che1 音乐=yin1yue4 乐器=yue4qi4 乐队=yue4dui4
快乐=kuai4le4 重复=chong2fu4 重新=chong2xin1 重叠=chong2die2 双重=shuang1chong2 假期=jia4qi1
放假=fang4jia4 请假=qing3jia4 假如=jia3ru2 少年=shao4nian2 青少年=qing1shao4nian2 多少=duo1shao5
头发=tou2fa5 理发=li3fa4 发型=fa4xing2 散文=san3wen2 分散=fen1san4 散步=san4bu4 血液=xue4ye4
好不好=hao3bu5hao3 是不是=shi4bu5shi4 有没有=you3mei5you3 能不能=neng2bu5neng2 试一试=shi4yi5shi4
看一看=kan4yi5kan4 一会儿=yi2hui4er5 地方=di4fang5 土地=tu3di4 草地=cao3di4 地道=di4dao5
便宜=pian2yi5 方便=fang1bian4 随便=sui2bian4 都市=du1shi4 首都=shou3du1 成都=cheng2du1 古都=gu3du1
因为=yin1wei4 以为=yi3wei2 认为=ren4wei2 成为=cheng2wei2 作为=zuo4wei2 行为=xing2wei2 为难=wei2nan2
不为人知=bu4wei2ren2zhi1 丈夫=zhang4fu5 单于=chan2yu2 人参=ren2shen1 参差=cen1ci1 熊猫=xiong2mao1
兄弟=xiong1di4 什么的=shen2me5de5 调查=diao4cha2 调动=diao4dong4 声调=sheng1diao4 强调=qiang2diao4
空调=kong1tiao2 调整=tiao2zheng3 下载=xia4zai4 记载=ji4zai3 三年五载=san1nian2wu3zai3 一切=yi2qie4
亲切=qin1qie4 切开=qie1kai1
"""

NEUTRAL = """
朋友 知道 时候 先生 事情 意思 衣服 眼睛 耳朵 明白 清楚 舒服 休息 喜欢 告诉 认识 学生 爸爸 妈妈 哥哥
姐姐 弟弟 妹妹 爷爷 奶奶 叔叔 阿姨 太太 名字 关系 客气 麻烦 热闹 消息 月亮 力气 打听 打算 商量 收拾
聪明 糊涂 故事 厉害 妻子 孩子 儿子 房子 桌子 椅子 杯子 筷子 盘子 鞋子 裤子 裙子 帽子 日子 样子 鼻子
肚子 脖子 句子 本子 包子 饺子 屋子 院子 石头 木头 馒头 骨头 舌头 枕头 指头 我们 你们 他们 她们 它们
咱们 人们 家里 心里 手里 里面 外面 上面 下面 前面 后面 晚上 早上 身上 路上 地上 世界上 咳嗽 窗户
师傅 护士 大人 点心 豆腐 萝卜 葡萄 玻璃 西瓜 黄瓜 亲戚 客人 工夫 功夫 脾气 运气 福气 生意 主意 规矩
道理 打扮 打量 动静 感激 活泼 机灵 讲究 结巴 困难 凉快 粮食 毛病 蘑菇 念头 琢磨 使唤 疏忽 头发 委屈
稀罕 笑话 兄弟 爱人 本事 伙计 喇叭 懒得 唠叨 老婆 老实 利索
"""
