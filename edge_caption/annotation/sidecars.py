"""XMP sidecars: `photo.jpg.xmp` beside each photo, which photo managers and exiftool read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from edge_caption.annotation.outputs import name_of
from edge_caption.annotation.workers import Annotation
from edge_caption.errors import ConfigError
from edge_caption.files import write_whole

TOOL = "Edge Caption"

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
        """Take the photos."""
        self._folder, self._names = folder, names
        self.foreign: list[str] = []
        """Photos that have a sidecar of another program."""

    def done(self) -> set[str]:
        """Return the photos that have a sidecar."""
        there = {name for name in self._names if self._file(name).exists()}
        ours = f">{TOOL}<".encode()
        self.foreign = sorted(name for name in there if ours not in self._file(name).read_bytes())
        return {name_of(name) for name in there}

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
