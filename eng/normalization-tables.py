"""Writes src/LowRank.Models/Tokenization/Unicode/normalization.bin from Python's Unicode tables.

    python3.6 eng/normalization-tables.py

Python 3.6 has Unicode 9.0, the version in the normalizers of Hugging Face tokenizers. All numbers are 7-bit encoded, low groups first:
canonical decompositions (count; per entry distance to the last code point, length, code points), compatibility decompositions that
differ from them, combining classes (count; distance, class as one byte), compositions (count; first, second, composed).
"""
import os
import unicodedata as u

OUT = os.path.join(os.path.dirname(__file__), "..", "src", "LowRank.Models", "Tokenization", "Unicode", "normalization.bin")


def number(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def decompositions(table):
    out, last = number(len(table)), 0
    for c, parts in sorted(table.items()):
        out += number(c - last) + number(len(parts)) + b"".join(number(ord(p)) for p in parts)
        last = c
    return out


def main():
    canonical, compatible, classes, compositions = {}, {}, {}, []
    for c in range(0x110000):
        ch = chr(c)
        if u.combining(ch):
            classes[c] = u.combining(ch)
        if 0xD800 <= c < 0xE000 or 0xAC00 <= c < 0xD7A4:
            continue
        nfd, nfkd, raw = u.normalize("NFD", ch), u.normalize("NFKD", ch), u.decomposition(ch)
        if nfd != ch:
            canonical[c] = nfd
        if nfkd != nfd:
            compatible[c] = nfkd
        if raw and not raw.startswith("<") and len(raw.split()) == 2 and u.normalize("NFC", ch) == ch:
            compositions.append([int(x, 16) for x in raw.split()] + [c])
    out, last = decompositions(canonical) + decompositions(compatible) + number(len(classes)), 0
    for c, value in sorted(classes.items()):
        out += number(c - last) + bytes([value])
        last = c
    out += number(len(compositions)) + b"".join(number(x) for entry in compositions for x in entry)
    with open(OUT, "wb") as f:
        f.write(out)
    print("Unicode", u.unidata_version, len(canonical), len(compatible), len(classes), len(compositions), len(out), "bytes")


if __name__ == "__main__":
    main()
