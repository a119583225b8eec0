"""The cameras of a multispectral rig are told apart by the words of Pix4D in their XMP."""

from __future__ import annotations

import pytest
from PIL import Image

from stillpix.images import read_header
from support import photos

RDF = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
    b'syntax-ns#"><rdf:Description xmlns:Camera="http://pix4d.com/camera/1.0" %b</rdf:RDF>'
    b"</x:xmpmeta>"
)
ELEMENTS = (
    b"><Camera:BandName>%b</Camera:BandName>"
    b"<Camera:RigCameraIndex>%b</Camera:RigCameraIndex></rdf:Description>"
)
RIGS = {
    "as Micasense writes it": (RDF % (ELEMENTS % (b"Red edge", b"4")), "band Red edge (camera 4)"),
    "as Parrot writes it": (
        RDF % b'Camera:BandName="NIR" Camera:RigCameraIndex="3"/>', "band NIR (camera 3)",
    ),
    "as a list": (
        RDF % b"><Camera:BandName>\n <rdf:Seq><rdf:li>Red</rdf:li>\n<rdf:li>NIR</rdf:li></rdf:Seq>"
        b"\n</Camera:BandName></rdf:Description>",
        "band Red NIR",
    ),
    "the camera's number only": (RDF % b"Camera:RigCameraIndex = '2'/>", "camera 2"),
    "the band only": (RDF % b"Camera:BandName='Green'/>", "band Green"),
}  # fmt: skip
OTHERS = {
    "nothing": RDF % b"/>",
    "an editor's": RDF % b'crs:CameraProfile="Adobe Standard" aux:Lens="50mm"/>',
    "empty words": RDF % (ELEMENTS % (b"", b" ")),
    "a word without an end": RDF % b"><Camera:BandName>Blue</rdf:Description>",
    "no XMP": b"\0\xff" * 500,
}


def which_of_tiff(folder, xmp):
    path = folder / "a.tif"
    path.write_bytes(photos.tiff(extratags=[(700, "B", len(xmp), xmp, True)]))
    return read_header(path).sensor.which


@pytest.mark.parametrize("way", RIGS)
def test_a_tiff_says_which_camera_of_a_rig_took_it(way, tmp_path):
    xmp, which = RIGS[way]

    assert which_of_tiff(tmp_path, xmp) == which


@pytest.mark.parametrize("way", RIGS)
def test_a_jpeg_says_it_too(way, tmp_path):
    xmp, which = RIGS[way]
    exif = Image.Exif()
    exif[271], exif[272] = "Parrot", "Sequoia"
    (tmp_path / "a.jpg").write_bytes(photos.jpeg(xmp=xmp, exif=exif))

    sensor = read_header(tmp_path / "a.jpg").sensor

    assert (sensor.model, sensor.which) == ("Sequoia", which)


@pytest.mark.parametrize("way", OTHERS)
def test_xmp_that_names_no_rig_names_no_sensor(way, tmp_path):
    assert which_of_tiff(tmp_path, OTHERS[way]) == ""


def test_a_name_of_any_length_and_any_bytes_makes_a_short_word(tmp_path):
    xmp = RDF % (ELEMENTS % (b"\xff\n" * 90, b"7"))

    assert which_of_tiff(tmp_path, xmp).isprintable()
    assert len(which_of_tiff(tmp_path, xmp)) < 70
