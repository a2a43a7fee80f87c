"""One code for each language, whatever code a file's name uses: `deu` and `de` are the same language."""

import re

# ISO 639-3 → 639-1 for the languages of XLM-R, which ERNIE-M starts from; then codes that data sets use for the same.
_SAME = """
afr af amh am ara ar asm as aze az bel be bul bg ben bn bre br bos bs cat ca ces cs cym cy dan da deu de ell el eng en
epo eo spa es est et eus eu fas fa fin fi fra fr fry fy gle ga gla gd glg gl guj gu hau ha heb he hin hi hrv hr hun hu
hye hy ind id isl is ita it jpn ja jav jv kat ka kaz kk khm km kan kn kor ko kur ku kir ky lat la lao lo lit lt lav lv
mlg mg mkd mk mal ml mon mn mar mr msa ms mya my nep ne nld nl nor no orm om ori or pan pa pol pl pus ps por pt ron ro
rus ru san sa snd sd sin si slk sk slv sl som so sqi sq srp sr sun su swe sv swa sw tam ta tel te tha th tgl tl tur tr
uig ug ukr uk urd ur uzb uz vie vi xho xh yid yi zho zh
arb ar azj az cmn zh ekk et gaz om khk mn kmr ku lvs lv nob no npi ne ory or pbt ps pes fa plt mg swh sw uzn uz ydd yi
als sq zsm ms
"""
ALIKE = dict(zip(_SAME.split()[::2], _SAME.split()[1::2], strict=True))
KNOWN = frozenset(ALIKE.values())
_FORM = re.compile(r"[a-zA-Z]{2,3}([-_][A-Za-z0-9]{2,8})*")


def language_code(tag: str) -> str:
    """The ISO code that the library uses: two letters where there are two; region and script are dropped then.

    >>> [language_code(tag) for tag in ("deu", "zho-CN", "EN", "pt_BR", "quy")]
    ['de', 'zh', 'en', 'pt', 'quy']
    """
    base = re.split("[-_]", tag.lower())[0]
    return ALIKE.get(base, base) if is_language(tag) else tag.lower()


def is_language(tag: str) -> bool:
    """Whether a word of a file's name is the code of a language that the library knows.

    >>> [is_language(tag) for tag in ("swh", "zho-CN", "md", "tsv")]
    [True, True, False, False]
    """
    base = re.split("[-_]", tag.lower())[0]
    return bool(_FORM.fullmatch(tag)) and (base in ALIKE or base in KNOWN)
