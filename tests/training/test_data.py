from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.data.load import load, load_sentences
from training.data.photos import DataError

NAMES = [f"photo{number}.jpg" for number in range(40)]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes(b"not read here")
    return folder


def write(folder: Path, name: str, content: str) -> Path:
    file = folder / name
    file.write_text(content, encoding="utf-8")
    return file


def test_flickr8k_uses_its_own_lists(tmp_path: Path, photos: Path) -> None:
    write(tmp_path, "Flickr_8k.trainImages.txt", "photo0.jpg\n")
    write(tmp_path, "Flickr_8k.devImages.txt", "photo1.jpg\n")
    lines = "photo0.jpg#0\tA dog .\nphoto0.jpg#1\tThe dog runs .\nphoto1.jpg#0\tA cat .\nunlisted.jpg#0\tNothing .\n"
    captions = write(tmp_path, "Flickr8k.token.txt", lines)
    (train,) = load(captions, photos, "train")
    assert train.file == photos / "photo0.jpg"
    assert train.captions == ("A dog .", "The dog runs .")
    assert [photo.captions for photo in load(captions, photos, "dev")] == [("A cat .",)]


def test_sentences_alone_need_no_photos(tmp_path: Path) -> None:
    rows = "image,caption,split\ngone.jpg,a dog,train\ngone.jpg,the dog,train\nhere.jpg,a cat,dev\n"
    captions = write(tmp_path, "captions.csv", rows)
    assert load_sentences(captions, "train") == ["a dog", "the dog"]
    assert load_sentences(captions, "test") == []


def test_coco_json_joins_images_and_annotations(tmp_path: Path, photos: Path) -> None:
    images = [{"id": number, "file_name": name} for number, name in enumerate(NAMES)]
    annotations = [{"image_id": number, "caption": f"photo {number}"} for number in range(40)]
    file = write(tmp_path, "captions.json", json.dumps({"images": images, "annotations": annotations, "info": {}}))
    train, dev = load(file, photos, "train"), load(file, photos, "dev")
    assert len(train) + len(dev) == 40
    assert 0 < len(dev) < 12


def test_karpathy_json_knows_its_splits(tmp_path: Path, photos: Path) -> None:
    splits = ["train", "restval", "val", "test"]
    images = [
        {"filename": f"photo{at}.jpg", "split": split, "sentences": [{"raw": f"{split} here", "tokens": []}]}
        for at, split in enumerate(splits)
    ]
    file = write(tmp_path, "dataset.json", json.dumps({"images": images, "dataset": "flickr8k"}))
    assert [photo.captions[0] for photo in load(file, photos, "train")] == ["train here", "restval here"]
    assert [photo.captions[0] for photo in load(file, photos, "dev")] == ["val here"]


def test_csv_takes_quoted_captions_and_a_split_column(tmp_path: Path, photos: Path) -> None:
    text = 'image,caption,split\nphoto0.jpg,"a dog, a cat",train\nphoto1.jpg,a bird,dev\n'
    file = write(tmp_path, "captions.csv", text)
    assert load(file, photos, "train")[0].captions == ("a dog, a cat",)
    assert load(file, photos, "dev")[0].captions == ("a bird",)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("c.token.txt", "photo0.jpg#0\tA dog .\nphoto1.jpg A cat .\n", "c.token.txt, line 2: expected <photo>#"),
        ("c.token.txt", "photo0.jpg#0\tA dog .\ngone.jpg#0\tA cat .\n", "line 2: there is no photo"),
        ("c.token.txt", "photo0.jpg#0\t  \n", "line 1: the caption of photo0.jpg is empty"),
        ("c.csv", "file,text\nphoto0.jpg,a dog\n", "line 1: the header must name"),
        ("c.csv", "image,caption\nphoto0.jpg,a dog, a cat\n", "line 2: expected as many fields"),
        ("c.csv", "image,caption,split\nphoto0.jpg,a dog,all\n", "line 2: unknown split 'all'"),
        ("c.csv", "image,caption\ngone.jpg,a dog\n", "line 2: there is no photo"),
        ("c.json", "[]", "neither COCO-captions nor Karpathy"),
        (
            "c.json",
            '{"images": [], "annotations": [{"image_id": 7, "caption": "a"}]}',
            "annotation 0: there is no image",
        ),
        ("c.json", "{", "neither COCO-captions nor Karpathy"),
        ("c.xml", "<x/>", "of no known format"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, photos: Path, name: str, content: str, says: str) -> None:
    file = write(tmp_path, name, content)
    with pytest.raises(DataError) as caught:
        [load(file, photos, split) for split in ("train", "dev")]
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_real_data_set_has_its_official_size(flickr8k: Path) -> None:
    captions = flickr8k / "Flickr8k_text" / "Flickr8k.token.txt"
    train = load(captions, flickr8k / "Flickr8k_Dataset", "train")
    assert len(train) == 6000
    assert sum(len(photo.captions) for photo in train) == 30_000
    assert len(load(captions, flickr8k / "Flickr8k_Dataset", "dev")) == 1000
