"""Names in every script that a defined term of (0008,0005) allows (PS3.3 §C.12.1.1.2): stored by pydicom as a modality would,
found by the pattern in the same repertoire and in UTF-8, and answered in the one that was asked in.

Apart from `test_find.py` because this is a table of repertoires, and because other servers fail at it in their own ways.
"""

import pytest
from pydicom import charset

import objects
from test_find import PENDING, ask, keys
from wire import SUCCESS, store

# Latin alphabet No. 9 is younger than the table of pydicom.
charset.python_encoding.setdefault("ISO_IR 203", "iso8859_15")

# The term or terms, a name, and a pattern that only it fits.
SCRIPTS = [
    ("ISO_IR 6", "Smith^Ada", "Smi*"),
    ("ISO_IR 100", "Grüß^Ærøskøbing", "Grüß^*"),
    ("ISO_IR 101", "Wałęsa^Łucja", "Wałę*"),
    ("ISO_IR 109", "Ĉapelo^Ĥoro", "Ĉap*"),
    ("ISO_IR 110", "Bērziņš^Ģirts", "Bērz*"),
    ("ISO_IR 144", "Иванов^Пётр", "Ива?ов*"),
    ("ISO_IR 127", "قباني^لنزار", "قبا*"),
    ("ISO_IR 126", "Διονυσιος^Σοφος", "Διον*"),
    ("ISO_IR 138", "שרון^דבורה", "שר*"),
    ("ISO_IR 148", "Çavuş^Gülşah", "Çavu?*"),
    ("ISO_IR 166", "สมชาย^ใจดี", "สมช*"),
    ("ISO_IR 203", "Žižka^Œuvre", "*Œuvre"),
    # pydicom writes no wild card beside katakana of one byte.
    ("ISO_IR 13", "ﾔﾏﾀﾞ^ﾀﾛｳ", "ﾔﾏﾀﾞ^ﾀﾛｳ"),
    ("ISO_IR 192", "Ωmega^🩻=王^小東=", "Ωmeg*"),
    ("GB18030", "Wang^Xiao=王^小东", "=王^*"),
    ("GBK", "Zhang^Wei=張^偉", "=張^*"),
    (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう", "=山田^*"),
    (["", "ISO 2022 IR 87", "ISO 2022 IR 159"], "Yamada^Tarou=丂田^太郎=やまだ^たろう", "=丂田^*"),
    (["ISO 2022 IR 13", "ISO 2022 IR 87"], "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう", "ﾔﾏ*"),
    (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동", "==홍^*"),
    (["", "ISO 2022 IR 58"], "Zhang^XiaoDong=张^小东", "=张^*"),
    (["ISO 2022 IR 100", "ISO 2022 IR 144"], "Müller^Иван", "Müller^*"),
    (["ISO 2022 IR 6", "ISO 2022 IR 126"], "Dionysios^Διον", "*Διον"),
]


def plain(name):
    """A name without the escape sequence that pydicom leaves in, and without empty groups behind it."""
    return str(name).replace("\x1b$)A", "").rstrip("=")


def terms(script):
    return script[0] if isinstance(script[0], str) else "+".join(script[0])


@pytest.mark.parametrize("script", SCRIPTS, ids=terms)
@pytest.mark.parametrize("asked", ["same", "utf-8", "none"])
def test_a_name_is_found_and_answered(archive, script, asked):
    stored, name, pattern = script
    image, other = objects.image(SpecificCharacterSet=stored, PatientName=name), objects.image()
    for each in (image, other):
        each.StudyDate = "20240102"
    assert store(archive, image, other) == [SUCCESS, SUCCESS]
    query = keys("STUDY", StudyInstanceUID=[image.StudyInstanceUID, other.StudyInstanceUID], PatientName=pattern, PatientID="")
    if asked == "none":
        # Without a repertoire only ASCII can be asked; what is answered says its own.
        query.PatientName, query.StudyInstanceUID = "", image.StudyInstanceUID
    else:
        query.SpecificCharacterSet = stored if asked == "same" else "ISO_IR 192"
    answers, statuses = ask(archive, query)
    assert statuses == [PENDING, SUCCESS], statuses
    answers[0].decode()
    assert plain(answers[0].PatientName) == plain(name)
    assert answers[0].StudyInstanceUID == image.StudyInstanceUID


@pytest.mark.parametrize("asked", ["ISO_IR 100", "ISO_IR 144", ["", "ISO 2022 IR 87"]], ids=str)
def test_a_name_that_the_repertoire_of_the_query_lacks_is_answered_so_that_it_can_be_read(archive, asked):
    name = "Hong^Gildong=洪^吉洞=홍^길동"
    image = objects.image(SpecificCharacterSet="ISO_IR 192", PatientName=name)
    assert store(archive, image) == [SUCCESS]
    query = keys("STUDY", StudyInstanceUID=image.StudyInstanceUID, PatientName="")
    query.SpecificCharacterSet = asked
    answers, statuses = ask(archive, query)
    assert statuses == [PENDING, SUCCESS]
    answers[0].decode()
    # In another repertoire that it names, not in question marks.
    assert plain(answers[0].PatientName) == name


@pytest.mark.parametrize("unknown", ["ISO_IR 999", "KLINGON", ["", "ISO 2022 IR 999"]], ids=str)
def test_an_object_in_a_repertoire_that_nobody_knows_is_kept(archive, unknown):
    image = objects.image(PatientName="Plain^Name")
    image.SpecificCharacterSet = unknown
    assert store(archive, image) == [SUCCESS]
    answers, statuses = ask(archive, keys("STUDY", StudyInstanceUID=image.StudyInstanceUID, PatientName=""))
    assert statuses == [PENDING, SUCCESS]
    assert plain(answers[0].PatientName) == "Plain^Name"
