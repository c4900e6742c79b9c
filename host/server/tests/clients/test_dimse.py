"""Modalities send: C-ECHO and C-STORE by DCMTK and pynetdicom, orderly and not."""

import io
import re
import threading

import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import encode
from pynetdicom.sop_class import (
    BasicGrayscalePrintManagementMeta,
    CTImageStorage,
    ModalityWorklistInformationFind,
    PatientRootQueryRetrieveInformationModelFind,
    StorageCommitmentPushModel,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

import objects
from wire import SUCCESS, association, dcmtk, store, to

SYNTAXES = objects.one_of_each_syntax()


def same(host, dataset, sent):
    """Whether the host serves exactly the data set that was sent."""
    served = host.file(dataset)
    return served is not None and objects.data_set(served) == objects.data_set(sent)


def test_echo_by_dcmtk(host):
    assert "Success" in dcmtk("echoscu", "-v", *to(host))


def test_echo_by_pynetdicom_several_times(host):
    with association(host, [(Verification, None)]) as opened:
        assert [opened.send_c_echo().Status for _ in range(3)] == [SUCCESS] * 3


def test_another_ae_title_is_rejected_for_good_where_configured(hosts):
    host = hosts("[dicom]\naccept-called-ae-any = false\n")
    assert "Success" in dcmtk("echoscu", "-v", *to(host))
    # PS3.8 §9.3.4. DCMTK says which; pynetdicom may take the end of the connection for an abort.
    said = dcmtk("echoscu", "-v", "-aec", "SOMEBODY", "127.0.0.1", host.dicom, check=False)
    for part in ("Rejected Permanent", "Service User", "Called AE Title Not Recognized"):
        assert part in said, said


@pytest.mark.parametrize("tool", ["storescu", "dcmsend"])
def test_store_by_dcmtk(host, tmp_path, tool):
    sent = [objects.image(modality) for modality in ("CT", "MR", "US")]
    files = [objects.written(dataset, tmp_path) for dataset in sent]
    # storescu proposes all its classes at once; dcmsend what the files need.
    dcmtk(tool, "-v", *to(host), *files)
    for dataset, file in zip(sent, files):
        assert same(host, dataset, file.read_bytes())


@pytest.mark.skipif(not SYNTAXES, reason=f"{objects.SHARED} is not there")
@pytest.mark.parametrize(("syntax", "name"), SYNTAXES or [("", "")])
def test_every_transfer_syntax_comes_back_byte_for_byte(host, syntax, name):
    path = objects.shared(name)
    head = dcmread(path, stop_before_pixels=True)
    assert store(host, path) == [SUCCESS]
    served = host.file(head)
    assert dcmread(io.BytesIO(served), stop_before_pixels=True).file_meta.TransferSyntaxUID == syntax
    assert objects.data_set(served) == objects.data_set(path.read_bytes())


@pytest.mark.skipif(not SYNTAXES, reason=f"{objects.SHARED} is not there")
def test_dcmsend_sends_every_transfer_syntax_it_knows(host, tmp_path):
    # Copies under new UIDs: the objects of the collection are sent by others, in other bytes.
    copies = []
    for syntax, name in SYNTAXES:
        dataset = dcmread(objects.shared(name))
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = objects.uid()
        copies.append((syntax, dataset, objects.written(dataset, tmp_path)))
    said = dcmtk("dcmsend", "-v", "--decompress-never", "--no-halt", *to(host), *(path for _, _, path in copies), check=False)
    arrived = 0
    for syntax, dataset, path in copies:
        served = host.file(dataset)
        if served is not None:
            arrived += 1
            received = dcmread(io.BytesIO(served))
            assert received.SOPClassUID == dataset.SOPClassUID
            # DCMTK writes data sets anew and converts native pixels, so bytes are compared where it leaves them alone.
            if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
                assert received.file_meta.TransferSyntaxUID == syntax
                assert received.PixelData == dataset.PixelData
    # Some are newer than the installed DCMTK.
    assert arrived >= 12, said


def test_many_associations_at_once(host):
    sent = [objects.series(10) for _ in range(8)]
    statuses = [None] * 8

    def send(at):
        statuses[at] = store(host, *sent[at], calling=f"MODALITY{at}")

    threads = [threading.Thread(target=send, args=(at,)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert statuses == [[SUCCESS] * 10] * 8
    for study in sent:
        assert len(host.found(f"/studies/{study[0].StudyInstanceUID}/instances")) == 10
        assert all(same(host, dataset, objects.encoded(dataset)) for dataset in study)


@pytest.mark.parametrize("length", [4096, 16384, 0], ids=["4096", "16384", "unlimited"])
def test_pdu_lengths(host, length):
    # More than a hundred of the smallest PDUs; what the host sends is bounded by the length, what it gets by its own.
    dataset = objects.image(Rows=512, Columns=512, PixelData=bytes(range(256)) * 2048)
    assert store(host, dataset, max_pdu=length) == [SUCCESS]
    assert same(host, dataset, objects.encoded(dataset))


def test_an_association_aborted_in_the_middle_leaves_nothing(host):
    whole, torn = objects.series(2, Rows=512, Columns=512, PixelData=bytes(512 * 512 * 2))
    with association(host, [whole]) as opened:
        assert opened.send_c_store(whole).Status == SUCCESS
        context = opened.accepted_contexts[0]
        request = C_STORE()
        request.MessageID = 2
        request.Priority = 2
        request.AffectedSOPClassUID = torn.SOPClassUID
        request.AffectedSOPInstanceUID = torn.SOPInstanceUID
        request.DataSet = io.BytesIO(encode(torn, False, True))
        message = C_STORE_RQ()
        message.primitive_to_message(request)
        for number, data in enumerate(message.encode_msg(context.context_id, 16384)):
            if number == 10:
                break
            opened.dul.send_pdu(data)
        opened.abort()
    assert same(host, whole, objects.encoded(whole))
    assert host.file(torn) is None
    found = host.found(f"/studies/{whole.StudyInstanceUID}/instances")
    assert [each["00080018"]["Value"] for each in found] == [[whole.SOPInstanceUID]]
    assert dcmtk("echoscu", *to(host)) == ""


def test_contexts_are_accepted_and_refused_one_by_one(host):
    private = "1.3.6.1.4.1.99999.7.1"
    proposed = [
        (CTImageStorage, [ExplicitVRLittleEndian], 0),
        (private, [ExplicitVRLittleEndian], 0),
        (Verification, [ImplicitVRLittleEndian], 0),
        (PatientRootQueryRetrieveInformationModelFind, [ImplicitVRLittleEndian], 0),
        (StudyRootQueryRetrieveInformationModelMove, [ImplicitVRLittleEndian], 0),
        (ModalityWorklistInformationFind, [ImplicitVRLittleEndian], 0),
        (StorageCommitmentPushModel, [ImplicitVRLittleEndian], 0),
        # Abstract syntax not supported.
        (BasicGrayscalePrintManagementMeta, [ImplicitVRLittleEndian], 3),
        # Transfer syntaxes not supported.
        ("1.2.840.10008.5.1.4.1.1.4", ["1.2.3.4.5"], 4),
    ]
    with association(host, [(uid, syntaxes) for uid, syntaxes, _ in proposed]) as opened:
        results = {context.abstract_syntax: context.result for context in opened.accepted_contexts + opened.rejected_contexts}
        assert results == {uid: result for uid, _, result in proposed}
        dataset = objects.image()
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = private
        assert opened.send_c_store(dataset).Status == SUCCESS
    assert same(host, dataset, objects.encoded(dataset))


def test_a_refused_object_does_not_end_the_association(host, tmp_path):
    first, no_study, contradiction, last = objects.series(4)
    del no_study.StudyInstanceUID
    # The file meta information, and so the command, says another UID than the data set.
    path = objects.written(contradiction, tmp_path)
    instance = contradiction.SOPInstanceUID.encode()
    path.write_bytes(path.read_bytes().replace(instance, instance[:-1] + (b"1" if instance[-1:] != b"1" else b"2"), 1))
    with association(host, [first]) as opened:
        answers = [opened.send_c_store(each) for each in (first, no_study, path, last)]
    assert [answer.Status for answer in answers] == [SUCCESS, 0xC000, 0xA900, SUCCESS]
    assert "StudyInstanceUID" in answers[1].ErrorComment or "0020,000D" in answers[1].ErrorComment.upper()
    assert answers[2].ErrorComment
    found = host.found(f"/studies/{first.StudyInstanceUID}/instances")
    assert {each["00080018"]["Value"][0] for each in found} == {first.SOPInstanceUID, last.SOPInstanceUID}


def test_the_same_object_twice_and_other_content_under_its_uid(host):
    dataset = objects.image(StudyDescription="first")
    sent = objects.encoded(dataset)
    assert store(host, dataset, dataset) == [SUCCESS, SUCCESS]
    assert store(host, dataset) == [SUCCESS]
    dataset.StudyDescription = "second"
    # Duplicate SOP instance: the first is kept.
    assert store(host, dataset) == [0x0111]
    assert same(host, dataset, sent)
    assert len(host.found(f"/studies/{dataset.StudyInstanceUID}/instances")) == 1


# What the collection's manifest says of each file: `charset [...]: PatientName "..."`.
NAMES = [
    (row["file"], re.search(r'PatientName "(.*)"', row["note"])[1])
    for row in objects.manifest()
    if row["file"].startswith("synthetic/cs_")
]


@pytest.mark.skipif(not NAMES, reason=f"{objects.SHARED} is not there")
@pytest.mark.parametrize(("file", "name"), NAMES or [("", "")])
def test_names_of_every_character_set(host, file, name):
    path = objects.shared(file)
    study = dcmread(path, specific_tags=["StudyInstanceUID"]).StudyInstanceUID
    assert store(host, path) == [SUCCESS]
    served = host.found("/studies", StudyInstanceUID=study)[0]["00100010"]["Value"][0]
    groups = dict(zip(("Alphabetic", "Ideographic", "Phonetic"), name.split("=")))
    assert served == {group: text for group, text in groups.items() if text}
