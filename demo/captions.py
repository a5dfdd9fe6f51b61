"""Pictures in words, English and Chinese, the way people type prompts: sentences, fragments, things left unsaid."""

from random import Random

from demo import words as w
from demo.draw import Subject
from demo.portraits import Portrait
from demo.scenes import Item, Scene

KEEP = 0.88  # a detail is left out of a caption with the complement of this, so that what is unsaid stays free
CHINESE = 0.5


class Voice:
    """One way of saying things: plainly, all of it and in the first words, or as `rng` has it."""

    def __init__(self, rng: Random, plain: bool, keep: float = KEEP) -> None:
        self.rng, self.plain, self.keep = rng, plain, keep

    def says(self) -> bool:
        return self.plain or self.rng.random() < self.keep

    def now_and_then(self, share: float) -> bool:
        return not self.plain and self.rng.random() < share

    def choose(self, *options: str) -> str:
        return options[0] if self.plain else self.rng.choice(options)

    def order(self, parts: list[str]) -> list[str]:
        parts = [p for p in parts if p]
        return parts if self.plain else self.rng.sample(parts, len(parts))


def caption(subject: Subject, rng: Random, plain: float = 0.0, chinese: float = CHINESE, keep: float = KEEP) -> str:
    """One caption of `subject`; a different one each time.

    `plain` is the share of captions that say everything and nothing else, which binds colours to things soonest;
    `chinese` the share in Chinese; `keep` the share of the details said by the others.
    """
    in_chinese, voice = rng.random() < chinese, Voice(rng, rng.random() < plain, keep)
    if isinstance(subject, Portrait):
        text = _zh_portrait(subject, voice) if in_chinese else _en_portrait(subject, voice)
    else:
        text = _zh_scene(subject, voice) if in_chinese else _en_scene(subject, voice)
    return f"{text}, {_noise(rng)}" if voice.now_and_then(0.05) else text


def _article(phrase: str) -> str:
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def _en_item(item: Item, voice: Voice) -> str:
    size = voice.choose(*w.SIZES[item.size]) if item.size and voice.says() else ""
    colour = voice.choose(*w.COLOURS[item.colour]) if voice.says() or voice.says() else ""
    kind = voice.rng.choice(w.KINDS[item.kind])[0] if voice.now_and_then(0.2) else item.kind
    phrase = " ".join(filter(None, (size, colour, kind)))
    return phrase if voice.now_and_then(0.12) else _article(phrase)


def _en_items(scene: Scene, voice: Voice) -> str:
    first = scene.items[0]
    if scene.layout == "count":
        several = w.KINDS[first.kind][0][1]
        return " ".join((voice.choose(*w.NUMBERS[len(scene.items)]), voice.choose(*w.COLOURS[first.colour]), several))
    a = _en_item(first, voice)
    if scene.layout == "one":
        if not first.place or not voice.says():
            return a
        return f"{a} " + voice.choose(f"on the {first.place}", f"on the {first.place} side", f"at the {first.place}")
    b = _en_item(scene.items[1], voice)
    if scene.layout == "above":
        return voice.choose(f"{a} above {b}", f"{a} over {b}", f"{b} below {a}", f"{b} under {a}", f"{a} on top of {b}")
    return voice.choose(
        f"{a} left of {b}", f"{a} to the left of {b}", f"{b} right of {a}", f"{b} to the right of {a}",
        f"{a} on the left and {b} on the right", f"{a} and {b}", f"{a} next to {b}",
    )  # fmt: skip


def _en_scene(scene: Scene, voice: Voice) -> str:
    parts = []
    if scene.backdrop and voice.says():
        colour = voice.choose(*w.COLOURS[scene.backdrop])
        parts.append(voice.choose(f"on {_article(colour)} background", f"{colour} background",
                                  f"in front of {_article(colour)} wall"))  # fmt: skip
    for fact, table in ((scene.ground, w.GROUNDS), (scene.sky, w.SKIES), (scene.weather, w.WEATHERS)):
        if fact and voice.says():
            parts.append(voice.choose(*table[fact]))
    if voice.now_and_then(0.08):
        parts.append(voice.choose(*w.FILLERS))
    text = voice.choose(*w.OPENINGS) + voice.choose(" ", " ", ", ").join([_en_items(scene, voice), *parts])
    return _typed(text, voice)


def _en_portrait(p: Portrait, voice: Voice) -> str:
    mood = voice.choose(*w.MOODS[p.mood]) if p.mood and voice.says() else ""
    who = _article(" ".join(filter(None, (mood, voice.choose(*w.PEOPLE[p.person])))))
    has = [_en_hair(p, voice) if voice.says() else ""]
    has.append(voice.choose(*w.BEARDS[p.beard]) if p.beard and voice.says() else "")
    has.append(f"{p.eyes} eyes" if voice.now_and_then(0.25) else "")
    has.append(voice.choose(*w.SKINS[p.skin]) if voice.now_and_then(0.3) else "")
    wears = [voice.choose(*w.GLASSES[p.glasses]) if p.glasses and voice.says() else ""]
    if p.hat and voice.says():
        wears.append(_article(f"{voice.choose(*w.COLOURS[p.hat_colour])} {voice.choose(*w.HATS[p.hat])}"))
    if voice.now_and_then(0.5):
        wears.append(_article(f"{voice.choose(*w.COLOURS[p.clothes])} {voice.choose('shirt', 'sweater', 'top')}"))
    text = who
    if phrases := voice.order(has):
        text += voice.choose(" with ", " with ", ", ") + " and ".join(phrases)
    if phrases := voice.order(wears):
        text += voice.choose(", wearing ", " wearing ", ", ") + " and ".join(phrases)
    if voice.says():
        colour = voice.choose(*w.COLOURS[p.backdrop])
        text += voice.choose(f", {colour} background", f" on {_article(colour)} background")
    return _typed(voice.choose(*w.PORTRAIT_OPENINGS) + text, voice)


def _en_hair(p: Portrait, voice: Voice) -> str:
    if p.hair == "bald":
        return voice.choose(*w.HAIR_STYLES["bald"])
    style = voice.choose(*w.HAIR_STYLES[p.hair]) if voice.says() else ""
    return " ".join(filter(None, (style, voice.choose(*w.HAIR_COLOURS[p.hair_colour]), "hair")))


def _typed(text: str, voice: Voice) -> str:
    if voice.now_and_then(0.15):
        text = text[0].upper() + text[1:]
    return text + "." if voice.now_and_then(0.2) else text


def _zh_colour(colour: str, voice: Voice) -> str:
    full = voice.choose(*w.ZH_COLOURS[colour])
    return voice.choose(full + "的", full + "的", full, full[:-1])


def _zh_item(item: Item, voice: Voice, number: int = 1) -> str:
    measure, nouns = w.ZH_KINDS[item.kind]
    many = "" if number == 1 and voice.now_and_then(0.2) else voice.choose(*w.ZH_NUMBERS[number]) + measure
    size = voice.choose(*w.ZH_SIZES[item.size]) if item.size and voice.says() else ""
    colour = _zh_colour(item.colour, voice) if voice.says() or voice.says() else ""
    return many + colour + size + (voice.rng.choice(nouns) if voice.now_and_then(0.3) else nouns[0])


def _zh_items(scene: Scene, voice: Voice) -> str:
    first = scene.items[0]
    if scene.layout == "count":
        return _zh_item(first, voice, len(scene.items))
    a = _zh_item(first, voice)
    if scene.layout == "one":
        if not first.place or not voice.says():
            return a
        side = {"left": "左", "right": "右"}[first.place]
        return voice.choose(f"{a}在{side}边", f"{side}边有{a}", f"{side}边是{a}")
    b = _zh_item(scene.items[1], voice)
    if scene.layout == "above":
        return voice.choose(f"{a}在{b}上面", f"{a}在{b}上方", f"{b}在{a}下面", f"上面是{a}，下面是{b}", f"{b}上面有{a}")
    return voice.choose(
        f"{a}在{b}左边", f"{b}在{a}右边", f"左边是{a}，右边是{b}", f"左边{a}，右边{b}", f"{b}左边有{a}", f"{a}和{b}",
    )  # fmt: skip


def _zh_scene(scene: Scene, voice: Voice) -> str:
    parts = []
    if scene.backdrop and voice.says():
        colour = voice.choose(*w.ZH_COLOURS[scene.backdrop])
        parts.append(voice.choose(f"{colour}背景", f"{colour}的背景", f"在{colour}背景上"))
    for fact, table in ((scene.ground, w.ZH_GROUNDS), (scene.sky, w.ZH_SKIES), (scene.weather, w.ZH_WEATHERS)):
        if fact and voice.says():
            parts.append(voice.choose(*table[fact]))
    if voice.now_and_then(0.08):
        parts.append(voice.choose(*w.ZH_FILLERS))
    return _zh_joined(voice.choose(*w.ZH_OPENINGS), _zh_items(scene, voice), parts, voice)


def _zh_portrait(p: Portrait, voice: Voice) -> str:
    mood = voice.choose(*w.ZH_MOODS[p.mood]) if p.mood and voice.says() else ""
    parts = [_zh_hair(p, voice) if voice.says() else ""]
    parts.append(voice.choose(*w.ZH_BEARDS[p.beard]) if p.beard and voice.says() else "")
    parts.append(w.ZH_EYES[p.eyes][0] + voice.choose("眼睛", "的眼睛") if voice.now_and_then(0.25) else "")
    parts.append(voice.choose(*w.ZH_SKINS[p.skin]) if voice.now_and_then(0.3) else "")
    parts.append(voice.choose(*w.ZH_GLASSES[p.glasses]) if p.glasses and voice.says() else "")
    if p.hat and voice.says():
        parts.append(voice.choose("戴", "戴着") + _zh_colour(p.hat_colour, voice) + voice.choose(*w.ZH_HATS[p.hat]))
    if voice.now_and_then(0.5):
        parts.append(voice.choose("穿", "穿着") + _zh_colour(p.clothes, voice) + voice.choose("衣服", "上衣", "毛衣"))
    if voice.says():
        parts.append(voice.choose(*w.ZH_COLOURS[p.backdrop]) + voice.choose("背景", "的背景"))
    who = voice.choose("一个", "一位", "") + mood + voice.choose(*w.ZH_PEOPLE[p.person])
    return _zh_joined(voice.choose(*w.ZH_PORTRAIT_OPENINGS), who, parts, voice)


def _zh_hair(p: Portrait, voice: Voice) -> str:
    if p.hair == "bald":
        return voice.choose(*w.ZH_HAIR_STYLES["bald"])
    colour = _zh_colour(p.hair_colour, voice) if p.hair_colour in w.ZH_COLOURS else ""
    colour = colour or voice.choose(*w.ZH_HAIR_COLOURS[p.hair_colour]) + voice.choose("的", "")
    return colour + (voice.choose(*w.ZH_HAIR_STYLES[p.hair]) if voice.says() else "头发")


def _zh_joined(opening: str, subject: str, parts: list[str], voice: Voice) -> str:
    text = opening + voice.choose("，", "", " ").join([subject, *voice.order(parts)])
    return text + "。" if voice.now_and_then(0.3) else text


def _noise(rng: Random) -> str:
    """A word nobody knows, so that tokens outside the captions' vocabulary are learned to mean nothing."""
    if rng.random() < 0.3:
        return "".join(chr(rng.randint(0x4E00, 0x9FA5)) for _ in range(rng.randint(1, 2)))
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz0123456789-'!?") for _ in range(rng.randint(2, 7)))
