"""Caption data sets in the formats that people have -> `CaptionedPhoto`s."""
