from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.data.load import CaptionFile, load, load_sentences, load_splits
from training.errors import DataError

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


def coco(folder: Path, name: str, numbers: range) -> CaptionFile:
    images = [{"id": number, "file_name": NAMES[number]} for number in numbers]
    annotations = [{"image_id": number, "caption": f"photo {number}"} for number in numbers]
    return CaptionFile(write(folder, name, json.dumps({"images": images, "annotations": annotations, "info": {}})))


def test_coco_has_a_file_a_split_of_which_nothing_is_lost(tmp_path: Path, photos: Path) -> None:
    train_file, dev_file = coco(tmp_path, "train.json", range(30)), coco(tmp_path, "dev.json", range(30, 40))
    train, dev = load_splits([train_file], [dev_file], photos)
    assert [photo.file.name for photo in train] == NAMES[:30]
    assert [photo.captions for photo in dev] == [(f"photo {number}",) for number in range(30, 40)]
    assert (load(train_file.path, photos, "train"), load(dev_file.path, photos, "dev")) == (train, dev)
    assert load_sentences(dev_file.path, "train") == []
    with pytest.raises(DataError, match=r"photo0\.jpg is in train and in dev \(30 photos are\).*--dev-captions"):
        load_splits([train_file], None, photos)


def test_without_files_of_its_own_one_photo_in_ten_is_dev(tmp_path: Path, photos: Path) -> None:
    """And with them, all of each file that doesn't say otherwise."""
    rows = [f"{name},a dog" for name in NAMES]
    both, train_file, dev_file = (
        CaptionFile(write(tmp_path, f"{name}.csv", "\n".join(["image,caption", *some])))
        for name, some in (("both", rows), ("train", rows[:30]), ("dev", rows[30:]))
    )
    train, dev = load_splits([both], None, photos)
    judges = load(both.path, photos, "test")
    assert len(train) + len(dev) + len(judges) == 40
    assert 0 < len(dev) < 12
    assert 0 < len(judges) < 12
    assert not set(judges) & set(train + dev)
    train, dev = load_splits([train_file], [dev_file], photos)
    assert (len(train), len(dev)) == (30, 10)


def test_a_photo_that_is_in_train_and_dev_is_refused(tmp_path: Path, photos: Path) -> None:
    rows = "image,caption,split\nphoto0.jpg,a dog,train\nphoto1.jpg,a cat,train\nphoto0.jpg,a dog,dev\n"
    with pytest.raises(DataError, match=r"photo0\.jpg is in train and in dev"):
        load_splits([CaptionFile(write(tmp_path, "captions.csv", rows))], None, photos)
    for split in ("train", "dev"):
        write(tmp_path, f"Flickr_8k.{split}Images.txt", "photo0.jpg\n")
    with pytest.raises(DataError, match=r"devImages\.txt: photo0\.jpg is in train, too"):
        load(write(tmp_path, "Flickr8k.token.txt", "photo0.jpg#0\tA dog .\n"), photos, "train")


def test_train_and_dev_speak_the_same_languages(tmp_path: Path, photos: Path) -> None:
    english, chinese = coco(tmp_path, "en.json", range(9)), coco(tmp_path, "zh.json", range(9, 12))
    with pytest.raises(DataError, match="no sentences in en and zh"):
        load_splits([english], [CaptionFile(chinese.path, "zh")], photos)


def test_odd_lines_are_read_as_they_are(tmp_path: Path, photos: Path) -> None:
    """Other separators than the end of a line belong to the line, and a list has a name a line."""
    (photos / "my photo.jpg").touch()
    caption = "A\u2028dog\x0cruns ."
    write(tmp_path, "Flickr_8k.trainImages.txt", "my photo.jpg\n\n")
    (found,) = load(write(tmp_path, "c.token.txt", f"my photo.jpg#0\t{caption}\n\n"), photos, "train")
    assert found.captions == (caption,)
    (found,) = load(
        write(tmp_path, "c.csv", f"image,caption\nmy photo.jpg,{caption}\n"), photos, "train", own_file=True
    )
    assert found.captions == (caption,)


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


HEADERS = [
    "image,caption",
    "Image;Caption",
    "IMAGE\tCAPTION",
    " image , Caption ",
    '"image"; "caption"',
    "sep=;\nimage;caption",
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("header", HEADERS)
def test_a_csv_is_read_as_programs_write_it(
    tmp_path: Path, photos: Path, header: str, newline: str, encoding: str
) -> None:
    between = next(sign for sign in ";\t," if sign in header)
    lines = [header, f"photo0.jpg{between}a dog", f'photo1.jpg{between} "a dog{between} a cat"', between]
    file = tmp_path / ("c.tsv" if between == "\t" else "c.csv")
    file.write_bytes(newline.join(lines).replace("\n", newline).encode(encoding))
    assert load_sentences(file, "train") == ["a dog", f"a dog{between} a cat"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("c.token.txt", "photo0.jpg#0\tA dog .\nphoto1.jpg A cat .\n", "c.token.txt, line 2: expected <photo>#"),
        ("c.token.txt", "photo0.jpg#0\tA dog .\ngone.jpg#0\tA cat .\n", "line 2: there is no photo"),
        ("c.token.txt", "photo0.jpg#0\t  \n", "line 1: the caption of photo0.jpg is empty"),
        ("c.csv", "image,caption\nphoto0.jpg,... ☃!\n", "line 2: the caption of photo0.jpg has no word"),
        ("c.json", f'{{"images": {"[" * 100_000}{"]" * 100_000}}}', "(it is nested too deeply)"),
        ("c.csv", "file,text\nphoto0.jpg,a dog\n", "line 1: the header must name"),
        (
            "c.csv",
            "image|caption\nphoto0.jpg|a dog\n",
            "with commas, semicolons or tabs between them; it is 'image|caption'",
        ),
        ("c.csv", "", "line 1: the header must name"),
        ("c.csv", "sep=;", "line 2: the header must name"),
        ("c.csv", "image,caption\nphoto0.jpg,a dog, a cat\n", "line 2: expected as many fields"),
        (
            "c.csv",
            "sep=;\nimage;caption\nphoto0.jpg;a dog; a cat\n",
            "line 3: expected as many fields as the header has; quote captions that hold semicolons",
        ),
        ("c.csv", "image,caption,split\nphoto0.jpg,a dog,all\n", "line 2: unknown split 'all'"),
        ("c.csv", "image,caption\ngone.jpg,a dog\n", "line 2: there is no photo"),
        ("c.csv", f"image,caption\n{'x' * 400}.jpg,a dog\n", "line 2: there is no photo"),
        ("c.csv", 'image,caption\nphoto0.jpg,"a" dog\n', "line 2: ',' expected"),
        ("c.csv", 'image,caption\n\nphoto0.jpg,"a\ndog"\n\nphoto1.jpg,"a dog\n', "line 6: unexpected end"),
        ("c.csv", "image,caption\nphoto0.jpg,a dog\n", "c.csv names no photo of the dev split"),
        ("c.csv", "image,caption\nphoto0.jpg,a dog\n", "a column `split`"),
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


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "latin-1"])
@pytest.mark.parametrize("name", ["c.csv", "c.token.txt", "c.json"])
def test_text_in_another_encoding_is_named_with_the_fix(tmp_path: Path, name: str, encoding: str) -> None:
    (tmp_path / name).write_bytes("image,caption\nphoto0.jpg,un caf\xe9\n".encode(encoding))
    with pytest.raises(DataError, match=rf"{name} (is|holds) .*; save it as UTF-8$"):
        load_sentences(tmp_path / name, "train")


def test_the_real_data_set_has_its_official_size(flickr8k: Path) -> None:
    captions = flickr8k / "Flickr8k_text" / "Flickr8k.token.txt"
    train = load(captions, flickr8k / "Flickr8k_Dataset", "train")
    assert len(train) == 6000
    assert sum(len(photo.captions) for photo in train) == 30_000
    assert len(load(captions, flickr8k / "Flickr8k_Dataset", "dev")) == 1000
