from __future__ import annotations

import pytest
import torch

from edge_caption.model.vocabulary import END, PAD, START
from training.model.caption_model import CaptionModel, Dimensions, Encoded
from training.model.decoding import greedy, sample

SIZE = Dimensions(region=16, attention=8, hidden=12, embedding=10)
WORDS = 30


@pytest.fixture
def model() -> CaptionModel:
    torch.manual_seed(3)
    return CaptionModel(SIZE, WORDS).eval()


@pytest.fixture
def seen(model: CaptionModel) -> Encoded:
    return model.encoder.attend_to(torch.rand(2, 1280, 7, 7) * 3)


def test_shapes_are_those_of_the_architecture(model: CaptionModel, seen: Encoded) -> None:
    assert seen.regions.shape == (2, 49, 16)
    assert seen.keys.shape == (2, 49, 8)
    assert seen.state.shape == (2, 12)
    token, state = torch.full((2, 3), START), seen.state.unsqueeze(1).expand(-1, 3, -1)
    log_probs, state, attention = model.decoder.step(token, state, seen.regions, seen.keys)
    assert log_probs.shape == (2, 3, WORDS)
    assert state.shape == (2, 3, 12)
    torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(2, 3))
    torch.testing.assert_close(attention.sum(-1), torch.ones(2, 3))


def test_teaching_gives_what_step_by_step_gives(model: CaptionModel, seen: Encoded) -> None:
    inputs = torch.tensor([[[START, 5, 6, 7]], [[START, 8, 9, PAD]]])
    counted = torch.tensor([[[True, True, True, True]], [[True, True, True, False]]])
    taught, looked = model.decoder.teach(seen, inputs, counted)
    state, steps, attentions = seen.state.unsqueeze(1), [], []
    for step in range(4):
        log_probs, state, attention = model.decoder.step(inputs[:, :, step], state, seen.regions, seen.keys)
        steps.append(log_probs)
        attentions.append(attention * counted[:, :, step, None])
    torch.testing.assert_close(taught.log_softmax(-1), torch.stack(steps, 2)[counted])
    torch.testing.assert_close(looked, torch.stack(attentions).sum(0))


def test_the_cell_is_torchs_gru(model: CaptionModel, seen: Encoded) -> None:
    decoder = model.decoder
    cell = torch.nn.GRUCell(SIZE.embedding + SIZE.region, SIZE.hidden)
    cell.weight_ih, cell.bias_ih = decoder.from_input.weight, decoder.from_input.bias
    cell.weight_hh = torch.nn.Parameter(decoder.from_state.weight[SIZE.attention + SIZE.region :])
    cell.bias_hh = torch.nn.Parameter(decoder.from_state.bias[SIZE.attention + SIZE.region :])
    token = torch.tensor([[5], [6]])
    state, context, _ = decoder.advance(token, seen.state.unsqueeze(1), seen.regions, seen.keys)
    inputs = torch.cat((decoder.embedding(token), context), -1).squeeze(1)
    torch.testing.assert_close(state.squeeze(1), cell(inputs, seen.state))


def test_decoding_stops_at_the_end_and_pads(model: CaptionModel, seen: Encoded) -> None:
    torch.manual_seed(1)
    starts = torch.full((2,), START)
    for tokens in (greedy(model.decoder, seen, starts), sample(model.decoder, seen, starts, 40).flatten(0, 1)):
        for row in tokens.tolist():
            if END in row:
                assert set(row[row.index(END) + 1 :]) <= {PAD}
            assert START not in row


def test_scheduled_sampling_replaces_words_by_the_decoders_own(model: CaptionModel, seen: Encoded) -> None:
    written = torch.tensor([[[START, 5, 6, 7]], [[START, 8, 9, 10]]])
    counted = torch.ones_like(written, dtype=torch.bool)
    torch.nn.init.zeros_(model.decoder.embedding.weight)  # the word before matters no more; 20 is all it says
    model.decoder.word_bias.data[20] = 100.0
    model.decoder.embedding.weight.data[20] = 1.0
    own = torch.tensor([START, 20, 20, 20]).expand(2, 1, 4)
    taught, _ = model.decoder.teach(seen, written, counted, own=1.0)
    torch.testing.assert_close(taught, model.decoder.teach(seen, own, counted)[0])
    assert not torch.equal(taught, model.decoder.teach(seen, written, counted)[0])
