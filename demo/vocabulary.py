"""Which words of a prompt the demo model has never met, so that the page can say so kindly.

`vocabulary()` is written into the model's `studio.json`; `unknown_words` needs that and nothing else, no model and no
library, so whoever reads the file can ask.
"""

import re
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from demo import words

# What holds a sentence together: the model passes over it, and nobody wants to hear that it is not a picture.
EN_GLUE = """
a an the of in on at by to with and or but for from near beside behind before under over above below top next left
right side is are has have wearing wears wear standing sitting stands sits holding there it its his her he she they
this that some one single please draw paint make create show picture image photo photograph portrait render drawing
painting scene background wall colour color coloured colored look looking looks style very nice beautiful pretty lovely
cute good quality high detailed detail details masterpiece best 4k 8k hd soft light sunny person people face head hair
eyes eye skin shirt sweater top while middle center centre front day night 1 2 3 4
cartoon sketch pixel neon watercolor watercolour blueprint
""".split()  # noqa: SIM905
ZH_GLUE = """
一 一个 一位 一只 一张 一幅 一些 个 位 只 张 幅 座 棵 辆 艘 朵 颗 条 枚 把 两 三 四 的 了 着 在 有 是 和 与 跟 及 里
上 下 中 旁边 左边 右边 左 右 上面 上方 下面 下方 前面 后面 中间 边 请 画 请画 图 图片 照片 肖像 背景 风格 颜色 漂亮
高质量 精美 可爱 好看 美丽 细节丰富 细节 人 脸 头发 眼睛 皮肤 衣服 上衣 毛衣 穿 穿着 戴 戴着 天空 天 晚上 白天 站 坐
大 小 很 非常 卡通 素描 像素 霓虹 水彩 蓝图
""".split()  # noqa: SIM905


def vocabulary() -> dict[str, list[str]]:
    """By language, every word that captions use and those that need no picture; sorted."""
    tables = {name: getattr(words, name) for name in vars(words) if name.isupper()}
    english = {t for name, table in tables.items() if not name.startswith("ZH_") for t in _texts(table)}
    chinese = {t for name, table in tables.items() if name.startswith("ZH_") for t in _texts(table)}
    split = {word for text in english for word in _ENGLISH.findall(text.lower())}
    return {"en": sorted(split | set(EN_GLUE)), "zh_CN": sorted({*chinese, *_short_colours(chinese), *ZH_GLUE})}


def unknown_words(prompt: str, known: Mapping[str, Iterable[str]]) -> list[str]:
    """The words of `prompt` that are not in `known` (by language, as `vocabulary` gives them), each once, in order.

    English words are known in singular and plural. Chinese is covered from the left by the longest known words; what
    stays uncovered is given in one piece.
    """
    english, chinese = set(known.get("en", ())), set(known.get("zh_CN", ()))
    found: list[str] = []
    for match in _RUNS.finditer(prompt):
        run = match.group()
        if _ENGLISH.fullmatch(run):
            found += [] if _singular(run.lower(), english) else [run]
        else:
            found += _uncovered(run, chinese)
    return list(dict.fromkeys(found))


_ENGLISH = re.compile(r"[A-Za-z0-9]+(?:['’-][A-Za-z]+)*")
_RUNS = re.compile(_ENGLISH.pattern + r"|[\u4e00-\u9fff]+")


def _texts(table: Any) -> Iterable[str]:
    """Every string in nested dicts and tuples, keys apart."""
    if isinstance(table, str):
        return [table]
    values = table.values() if isinstance(table, Mapping) else table
    return chain.from_iterable(_texts(v) for v in values if not isinstance(v, int))


def _short_colours(chinese: set[str]) -> set[str]:
    """红 for 红色."""
    return {text[:-1] for text in chinese if len(text) > 1 and text.endswith("色")}


def _singular(word: str, known: set[str]) -> bool:
    bare = word.removesuffix("'s").removesuffix("’s")
    return bool({bare, bare.removesuffix("s"), bare.removesuffix("es")} & known)


def _uncovered(run: str, known: set[str]) -> list[str]:
    longest = max(map(len, known), default=1)
    rest, pieces, k = "", [], 0
    while k < len(run):
        size = next((n for n in range(min(longest, len(run) - k), 0, -1) if run[k : k + n] in known), 0)
        if size:
            pieces, rest = [*pieces, rest], ""
        else:
            rest += run[k]
        k += size or 1
    return [p for p in [*pieces, rest] if p]
