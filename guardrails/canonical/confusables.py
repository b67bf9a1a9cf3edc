# ruff: noqa: RUF001 - that they are ambiguous is the point
"""Characters that look like letters of the Latin alphabet and are none.

After the table of Unicode Technical Standard 39 (https://www.unicode.org/reports/tr39/), as far as its characters are
letters that fonts show alike; letters of languages written in Latin, as the Polish l with a stroke, stay. What
compatibility decomposition (NFKC) undoes is not repeated here.
"""

from __future__ import annotations

PAIRS = """
аa вb сc ԁd еe ғf ԍg һh іi јj кk ӏl мm пn оo рp ԛq гr ѕs тt ѵv ѡw хx уy
АA ВB СC ԀD ЕE ԌG НH ІI ЈJ КK ӀI МM ОO РP ԚQ ЅS ТT ѴV ԜW ХX УY Ꙅs ԝw ҽe ӽx үy ҮY ьb ЬB
αa βb ϲc ɛe εe ϝf ηn ιi ϳj κk νv οo ρp ϱp τt υu χx γy ωw σo
ΑA ΒB ϹC ΕE ΖZ ΗH ΙI ͿJ ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX
աw ցg հh ոn օo սu ռn զq յj քp ՏS ՕO ԼL
ᎪA ᏴB ᏟC ᎠD ᎬE ᏀG ᎻH ᎥI ᎫJ ᏦK ᏞL ᎷM ᏢP ᎡR ᏚS ᎢT ᏙV ᎳW ᎩY ᏃZ
ɑa ɡg ɩi ƚl ɫl ƞn ƥp ɋq ɾr ƨs ƭt ʋv ɯw ƶz ƀb ƃb ƈc ɖd ƒf ɠg ǥg ɦh ɨi ɱm ɲn ɵo ʂs ʉu ʌv
ᴀa ʙb ᴄc ᴅd ᴇe ꜰf ɢg ʜh ɪi ᴊj ᴋk ʟl ᴍm ɴn ᴏo ᴘp ꞯq ʀr ꜱs ᴛt ᴜu ᴠv ᴡw ʏy ᴢz
ƎE ƆC ǝe ɐa ɔc ɟf ɥh ʞk ɹr ʇt ʍw ʎy
"""
LATIN: dict[int, str] = {ord(pair[0]): pair[1] for pair in PAIRS.split()}
"""From the code of a character to the letter it looks like."""
