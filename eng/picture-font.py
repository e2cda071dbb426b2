#!/usr/bin/env python3
"""Makes src/LowRank.Training/Pictures/Font/NotoSansKR-Subset.ttf: Noto Sans KR Regular with Latin-1, Greek, signs and the 2,350 syllables of KS X 1001.

    npm pack @expo-google-fonts/noto-sans-kr@0.4.3 && tar xzf expo-google-fonts-noto-sans-kr-0.4.3.tgz
    eng/picture-font.py package/400Regular/NotoSansKR_400Regular.ttf OUTPUT.ttf        (python3-fonttools 4.38)
"""
import sys

from fontTools import subset
from fontTools.ttLib import TTFont

RANGES = [(0x20, 0x7E), (0xA0, 0xFF), (0x391, 0x3A9), (0x3B1, 0x3C9), (0x2010, 0x2027), (0x2030, 0x2033), (0x2039, 0x203A), (0x2074, 0x2074), (0x2190, 0x2193),
          (0x3001, 0x3003), (0x3008, 0x3011), (0x3131, 0x318E)]
SIGNS = {0x3000, 0x20A9, 0x2202, 0x2206, 0x2207, 0x2211, 0x2212, 0x221A, 0x221E, 0x2248, 0x2260, 0x2264, 0x2265, 0x25CF, 0x25A0, 0x25B2}


def common(c):
    """Whether KS X 1001 has the syllable; Python's codec composes the others of eight bytes."""
    try:
        return len(chr(c).encode("euc_kr")) == 2
    except UnicodeEncodeError:
        return False


options = subset.Options()
options.hinting = False
options.layout_features = ["kern", "ccmp", "locl", "mark", "mkmk"]
options.drop_tables += ["VORG", "vmtx", "vhea", "DSIG", "BASE"]
options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
options.name_languages = [0x409]
font = TTFont(sys.argv[1])
maker = subset.Subsetter(options)
maker.populate(unicodes={c for a, b in RANGES for c in range(a, b + 1)} | SIGNS | {c for c in range(0xAC00, 0xD7A4) if common(c)})
maker.subset(font)
font.save(sys.argv[2])
