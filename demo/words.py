"""The words for everything a picture can hold, English and Chinese; the first of several is the plain one."""

COLOURS = {
    "red": ("red",), "orange": ("orange",), "yellow": ("yellow",), "green": ("green",), "blue": ("blue",),
    "purple": ("purple", "purple", "violet"), "pink": ("pink",), "white": ("white",), "grey": ("grey", "gray"),
    "black": ("black",),
}  # fmt: skip
KINDS = {  # one, several
    "house": (("house", "houses"), ("cottage", "cottages"), ("home", "homes")),
    "tree": (("tree", "trees"),),
    "car": (("car", "cars"),),
    "boat": (("boat", "boats"), ("sailboat", "sailboats"), ("ship", "ships")),
    "flower": (("flower", "flowers"), ("blossom", "blossoms")),
    "star": (("star", "stars"),),
    "heart": (("heart", "hearts"),),
    "fish": (("fish", "fish"),),
    "cat": (("cat", "cats"), ("kitten", "kittens")),
    "mushroom": (("mushroom", "mushrooms"),),
    "balloon": (("balloon", "balloons"),),
    "apple": (("apple", "apples"),),
    "sun": (("sun", "suns"),),
    "moon": (("moon", "moons"), ("crescent moon", "crescent moons")),
    "bird": (("bird", "birds"),),
    "rocket": (("rocket", "rockets"), ("spaceship", "spaceships")),
    "umbrella": (("umbrella", "umbrellas"),),
    "cup": (("cup", "cups"), ("mug", "mugs")),
}
NUMBERS = {2: ("two", "2"), 3: ("three", "3"), 4: ("four", "4")}
SIZES = {"small": ("small", "little", "tiny"), "big": ("big", "large", "huge")}
GROUNDS = {
    "meadow": ("on a meadow", "on a green meadow", "on the grass", "in a field"),
    "beach": ("on the beach", "on a sandy beach", "on the sand", "at the beach"),
    "snow": ("in the snow", "on a snowy field", "on the snow", "in winter"),
    "sea": ("on the sea", "on the water", "at sea", "on the ocean"),
    "street": ("on a street", "on the road", "in the street", "in the city"),
}
SKIES = {
    "day": ("by day", "on a sunny day", "under a blue sky", "in the daytime"),
    "sunset": ("at sunset", "in the evening", "under an orange sky", "at dusk"),
    "night": ("at night", "under the stars", "under a night sky"),
}
WEATHERS = {
    "rain": ("in the rain", "while it rains", "rainy weather"),
    "snowfall": ("while it snows", "in falling snow", "snowing"),
}
PEOPLE = {"man": ("man", "man", "guy", "boy"), "woman": ("woman", "woman", "lady", "girl")}
SKINS = {"light": ("light skin", "fair skin"), "tan": ("tan skin", "brown skin"), "dark": ("dark skin", "black skin")}
HAIR_COLOURS = {
    "black": ("black",), "brown": ("brown",), "blonde": ("blonde", "blond", "golden"), "red": ("red", "ginger"),
    "grey": ("grey", "gray", "silver"), "blue": ("blue",), "pink": ("pink",),
}  # fmt: skip
HAIR_STYLES = {"short": ("short",), "long": ("long",), "curly": ("curly",), "bald": ("a bald head", "no hair")}
GLASSES = {"glasses": ("glasses", "round glasses"), "sunglasses": ("sunglasses", "dark glasses", "shades")}
HATS = {"hat": ("hat", "top hat"), "beanie": ("beanie", "woolly hat"), "crown": ("crown",)}
BEARDS = {"beard": ("a beard", "a full beard"), "moustache": ("a moustache", "a mustache")}
MOODS = {"smiling": ("smiling", "happy", "laughing"), "sad": ("sad", "unhappy")}
OPENINGS = ("", "", "", "", "a picture of ", "draw ", "an image of ", "please draw ", "a photo of ", "a render of ")
PORTRAIT_OPENINGS = ("", "", "a portrait of ", "a photo of ", "portrait of ", "draw ")
FILLERS = ("beautiful", "high quality", "detailed", "nice", "4k", "soft light", "masterpiece", "cute")

ZH_COLOURS = {
    "red": ("红色",), "orange": ("橙色", "橘色"), "yellow": ("黄色",), "green": ("绿色",), "blue": ("蓝色",),
    "purple": ("紫色",), "pink": ("粉色", "粉红色"), "white": ("白色",), "grey": ("灰色",), "black": ("黑色",),
}  # fmt: skip
ZH_KINDS = {  # measure word, nouns
    "house": ("座", ("房子", "小屋")), "tree": ("棵", ("树", "大树")), "car": ("辆", ("汽车", "小车", "车")),
    "boat": ("艘", ("船", "帆船", "小船")), "flower": ("朵", ("花", "花朵")), "star": ("颗", ("星星",)),
    "heart": ("颗", ("爱心", "心")), "fish": ("条", ("鱼", "小鱼")), "cat": ("只", ("猫", "小猫")),
    "mushroom": ("个", ("蘑菇",)), "balloon": ("个", ("气球",)), "apple": ("个", ("苹果",)),
    "sun": ("个", ("太阳",)), "moon": ("个", ("月亮", "弯月")), "bird": ("只", ("鸟", "小鸟")),
    "rocket": ("枚", ("火箭",)), "umbrella": ("把", ("雨伞", "伞")), "cup": ("个", ("杯子", "茶杯")),
}  # fmt: skip
ZH_NUMBERS = {1: ("一",), 2: ("两",), 3: ("三", "3"), 4: ("四", "4")}
ZH_SIZES = {"small": ("小", "小小的"), "big": ("大", "大大的")}
ZH_GROUNDS = {
    "meadow": ("在草地上", "在绿色的草地上"),
    "beach": ("在沙滩上", "在海滩上"),
    "snow": ("在雪地里", "在雪地上"),
    "sea": ("在海上", "在水面上", "在海面上"),
    "street": ("在街上", "在马路上", "在城市里"),
}
ZH_SKIES = {
    "day": ("白天", "蓝天下", "晴天"),
    "sunset": ("日落", "傍晚", "夕阳下", "黄昏"),
    "night": ("夜晚", "星空下", "晚上"),
}
ZH_WEATHERS = {"rain": ("下雨", "雨中", "下着雨"), "snowfall": ("下雪", "雪花飘落", "下着雪")}
ZH_PEOPLE = {"man": ("男人", "男人", "男士", "男孩"), "woman": ("女人", "女人", "女士", "女孩")}
ZH_SKINS = {"light": ("浅色皮肤", "白皮肤"), "tan": ("棕色皮肤", "小麦色皮肤"), "dark": ("深色皮肤", "黑皮肤")}
ZH_HAIR_COLOURS = {
    "black": ("黑色",), "brown": ("棕色", "褐色"), "blonde": ("金色",), "red": ("红色",), "grey": ("灰色", "银色"),
    "blue": ("蓝色",), "pink": ("粉色", "粉红色"),
}  # fmt: skip
ZH_HAIR_STYLES = {"short": ("短发",), "long": ("长发",), "curly": ("卷发",), "bald": ("光头", "没有头发")}
ZH_EYES = {"brown": ("棕色",), "blue": ("蓝色",), "green": ("绿色",)}
ZH_GLASSES = {"glasses": ("戴眼镜", "戴着眼镜"), "sunglasses": ("戴墨镜", "戴太阳镜")}
ZH_HATS = {"hat": ("帽子", "礼帽"), "beanie": ("毛线帽",), "crown": ("皇冠", "王冠")}
ZH_BEARDS = {"beard": ("大胡子", "络腮胡"), "moustache": ("小胡子", "八字胡")}
ZH_MOODS = {"smiling": ("微笑的", "开心的", "大笑的"), "sad": ("伤心的", "难过的")}
ZH_OPENINGS = ("", "", "", "", "画", "请画", "一张图片，", "一幅画，")
ZH_PORTRAIT_OPENINGS = ("", "", "肖像，", "一张照片，", "画")
ZH_FILLERS = ("漂亮", "高质量", "精美", "可爱", "细节丰富")
