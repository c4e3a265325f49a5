"""XMP sidecars: `photo.jpg.xmp` beside each photo, which photo managers and exiftool read."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from edge_caption.annotation.outputs import name_of
from edge_caption.annotation.workers import Annotation
from edge_caption.errors import ConfigError
from edge_caption.files import write_whole

TOOL = "Edge Caption"

LONGEST_NAME = 255
"""Bytes of a file's name, on any file system of Linux."""

LANGUAGE = re.compile(rb'xml:lang="(?!x-default)([^"]+)"')

PACKET = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
   <xmp:CreatorTool>{tool}</xmp:CreatorTool>
   <dc:description>
    <rdf:Alt>
     <rdf:li xml:lang="x-default">{caption}</rdf:li>
     <rdf:li xml:lang="{language}">{caption}</rdf:li>
    </rdf:Alt>
   </dc:description>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""
"""XMP Specification, part 1 (ISO 16684-1), 7.3: the packet; part 2: dc:description is text in several languages."""


class Sidecars:
    """One file for each photo; one that another program wrote is left as it is."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        """Take the photos, and look which of them have sidecars."""
        self._folder = folder
        self._there = [name for name in names if os.path.lexists(self._file(name))]
        self.foreign: list[str] = []
        """Photos that have a sidecar of another program."""
        self.languages: set[str] = set()
        """Those of our own sidecars."""
        for name in self._there:
            self._read(name)
        without = sorted(set(names).difference(self._there))
        self.unwritable = {name: why for name in without if (why := self._obstacle(name))}
        """Photos that none can be written for, and the sentence that tells why."""

    def _read(self, name: str) -> None:
        try:
            packet = self._file(name).read_bytes()
        except OSError:
            packet = b""
        if f">{TOOL}<".encode() in packet:
            self.languages |= {found.decode() for found in LANGUAGE.findall(packet)}
        else:
            self.foreign.append(name)

    def _obstacle(self, name: str) -> str | None:
        file = self._file(name)
        if len(os.fsencode(file.name)) > LONGEST_NAME:
            return f"{file} is too long a name for a file; make the photo's name shorter"
        if not os.access(file.parent, os.W_OK | os.X_OK):
            return f"no sidecar can be written in {file.parent}; change its rights, or give --out a file elsewhere"
        return None

    def done(self) -> set[str]:
        """Return the photos that have a sidecar."""
        return {name_of(name) for name in self._there}

    def add(self, annotation: Annotation) -> None:
        """Write a sidecar.

        Raises:
            ConfigError: the folder can't be written to.
        """
        said = {"caption": escape(annotation.caption), "language": annotation.language}
        file = self._file(annotation.file)
        try:
            write_whole(file, PACKET.format(tool=TOOL, **said).encode())
        except OSError as error:
            raise ConfigError(f"{file} can't be written ({error.strerror}); give --out a file elsewhere") from None

    def finish(self) -> None:
        """Nothing is left to do."""

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.xmp"
