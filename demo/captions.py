"""Scenes in words, English and Chinese, the way people type prompts: full sentences, fragments, things left unsaid."""

from random import Random

from demo.scenes import Item, Scene

ZH_COLOURS = {
    "red": "红色", "orange": "橙色", "yellow": "黄色", "green": "绿色", "blue": "蓝色",
    "purple": "紫色", "pink": "粉色", "white": "白色", "grey": "灰色", "black": "黑色",
}  # fmt: skip
ZH_OBJECTS = {  # measure word, noun
    "house": ("座", "房子"), "tree": ("棵", "树"), "car": ("辆", "汽车"), "boat": ("艘", "船"),
    "flower": ("朵", "花"), "star": ("颗", "星星"), "heart": ("颗", "爱心"), "fish": ("条", "鱼"),
    "cat": ("只", "猫"), "mushroom": ("个", "蘑菇"), "balloon": ("个", "气球"), "apple": ("个", "苹果"),
}  # fmt: skip
EN_GROUNDS = {
    "meadow": ("on a green meadow", "on a meadow", "on the grass", "in a field"),
    "beach": ("on the beach", "on a sandy beach", "on the sand", "at the beach"),
    "snow": ("in the snow", "on a snowy field", "on the snow", "in winter"),
    "sea": ("on the sea", "on the water", "at sea", "on the ocean"),
}
ZH_GROUNDS = {
    "meadow": ("在草地上", "在绿色的草地上"),
    "beach": ("在沙滩上", "在海滩上"),
    "snow": ("在雪地里", "在雪地上"),
    "sea": ("在海上", "在水面上"),
}
EN_SKIES = {
    "day": ("on a sunny day", "under a blue sky", "by day"),
    "sunset": ("at sunset", "in the evening", "under an orange sky"),
    "night": ("at night", "under the stars", "under a night sky"),
}
ZH_SKIES = {
    "day": ("白天", "蓝天下", "晴天"),
    "sunset": ("日落", "傍晚", "夕阳下"),
    "night": ("夜晚", "星空下", "晚上"),
}
EN_OPENINGS = ("", "", "", "", "a picture of ", "draw ", "an image of ", "please draw ", "a scene with ", "a photo of ")
ZH_OPENINGS = ("", "", "", "", "画", "请画", "一张图片，", "一幅画，")
EN_FILLERS = ("beautiful", "high quality", "detailed", "nice", "4k", "soft light", "masterpiece", "cute")
ZH_FILLERS = ("漂亮", "高质量", "精美", "可爱", "细节丰富")
KEEP = 0.88  # a detail is left out of a caption with the complement of this, so that what is unsaid stays free


def caption(scene: Scene, rng: Random, plain: float = 0.0) -> str:
    """One caption of `scene`; a different one each time. About one in four is Chinese.

    `plain` is the share that says everything and nothing else: what binds colours to things soonest.
    """
    chinese, all_of_it = rng.random() < 0.25, rng.random() < plain
    if all_of_it:
        return _plain_chinese(scene) if chinese else _plain_english(scene, rng)
    text = _chinese(scene, rng) if chinese else _english(scene, rng)
    return text if rng.random() > 0.06 else f"{text}, {_noise(rng)}"


def _plain_english(scene: Scene, rng: Random) -> str:
    items = [_article(" ".join(filter(None, (i.size, i.colour, i.kind)))) for i in scene.items]
    subject = " and ".join(items)
    if len(scene.items) == 1 and scene.items[0].place:
        subject += f" on the {scene.items[0].place}"
    if scene.backdrop:
        return f"{subject} on {_article(scene.backdrop)} background"
    return f"{subject} {rng.choice(EN_GROUNDS[scene.ground])} {rng.choice(EN_SKIES[scene.sky])}"


def _plain_chinese(scene: Scene) -> str:
    items = ["一" + ZH_OBJECTS[i.kind][0] + ZH_COLOURS[i.colour] + "的" + ZH_OBJECTS[i.kind][1] for i in scene.items]
    if scene.backdrop:
        return f"{'和'.join(items)}，{ZH_COLOURS[scene.backdrop]}背景"
    return f"{'和'.join(items)}{ZH_GROUNDS[scene.ground][0]}，{ZH_SKIES[scene.sky][0]}"


def _article(words: str) -> str:
    return ("an " if words[0] in "aeiou" else "a ") + words


def _en_item(item: Item, rng: Random) -> str:
    words = []
    if item.size and rng.random() < KEEP:
        words.append(rng.choice({"small": ("small", "little", "tiny"), "big": ("big", "large", "huge")}[item.size]))
    if rng.random() < 0.95:
        words.append(item.colour)
    words.append(item.kind)
    phrase = " ".join(words)
    return phrase if rng.random() < 0.12 else _article(phrase)


def _english(scene: Scene, rng: Random) -> str:
    first = scene.items[0]
    subject = _en_item(first, rng)
    if len(scene.items) == 2:
        second = _en_item(scene.items[1], rng)
        joins = (" and ", " next to ", " left of ", " to the left of ")
        subject = f"{subject}{rng.choice(joins)}{second}"
    elif first.place and rng.random() < KEEP:
        subject += rng.choice((f" on the {first.place}", f" on the {first.place} side", f" at the {first.place}"))
    parts = []
    if scene.backdrop and rng.random() < KEEP:
        parts.append(
            rng.choice((f"on {_article(scene.backdrop)} background", f"{scene.backdrop} background",
                        f"in front of {_article(scene.backdrop)} wall"))
        )  # fmt: skip
    if scene.ground and rng.random() < KEEP:
        parts.append(rng.choice(EN_GROUNDS[scene.ground]))
    if scene.sky and rng.random() < KEEP:
        parts.append(rng.choice(EN_SKIES[scene.sky]))
    if rng.random() < 0.1:
        parts.append(rng.choice(EN_FILLERS))
    joiner = rng.choice((" ", " ", ", "))
    text = rng.choice(EN_OPENINGS) + joiner.join([subject, *parts])
    if rng.random() < 0.15:
        text = text[0].upper() + text[1:]
    return text + rng.choice(("", "", "", "."))


def _zh_item(item: Item, rng: Random) -> str:
    measure, noun = ZH_OBJECTS[item.kind]
    count = "" if rng.random() < 0.2 else "一" + measure
    size = ""
    if item.size and rng.random() < KEEP:
        size = rng.choice({"small": ("小小的", "小"), "big": ("大大的", "大")}[item.size])
    colour = ""
    if rng.random() < 0.95:
        full = ZH_COLOURS[item.colour]
        colour = rng.choice((full + "的", full + "的", full, full[:-1]))
    return count + size + colour + noun


def _chinese(scene: Scene, rng: Random) -> str:
    first = scene.items[0]
    subject = _zh_item(first, rng)
    if len(scene.items) == 2:
        second = _zh_item(scene.items[1], rng)
        subject = rng.choice((f"{subject}和{second}", f"左边{subject}，右边{second}", f"{subject}在{second}左边"))
    elif first.place and rng.random() < KEEP:
        side = {"left": "左", "right": "右"}[first.place]
        subject = rng.choice((f"{side}边有{subject}", f"{subject}在{side}边"))
    parts = []
    if scene.backdrop and rng.random() < KEEP:
        colour = ZH_COLOURS[scene.backdrop]
        parts.append(rng.choice((f"{colour}背景", f"{colour}的背景", f"在{colour}背景上")))
    if scene.ground and rng.random() < KEEP:
        parts.append(rng.choice(ZH_GROUNDS[scene.ground]))
    if scene.sky and rng.random() < KEEP:
        parts.append(rng.choice(ZH_SKIES[scene.sky]))
    if rng.random() < 0.1:
        parts.append(rng.choice(ZH_FILLERS))
    rng.shuffle(parts)
    return rng.choice(ZH_OPENINGS) + rng.choice(("，", "", " ")).join([subject, *parts]) + rng.choice(("", "", "。"))


def _noise(rng: Random) -> str:
    """A word nobody knows, so that tokens outside the captions' vocabulary are learned to mean nothing."""
    if rng.random() < 0.3:
        return "".join(chr(rng.randint(0x4E00, 0x9FA5)) for _ in range(rng.randint(1, 2)))
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz0123456789-'!?") for _ in range(rng.randint(2, 7)))
