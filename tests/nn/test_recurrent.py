"""The recurrent cores: chunks of one song each, and torch's own LSTMs as the reference."""

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from earmark.nn.layers import frame_mask
from earmark.nn.recurrent import Blstm, DualPathRnn, StackedBlstm, by_chunks


def test_chunks_never_straddle_songs():
    """A layer that sums each chunk: what every frame's sum holds names its chunk."""

    def sums(x, lengths):
        inside = torch.ones(x.shape[:2]) if lengths is None else torch.arange(x.shape[1]) < lengths[:, None]
        return (x * inside.unsqueeze(2)).sum(1, keepdim=True).expand(-1, x.shape[1], -1)

    x = torch.tensor([[1.0] * 7, [100.0] * 7]).unsqueeze(2)
    got = by_chunks(x, torch.tensor([7, 4]), sums, size=3).squeeze(2)
    assert got[0].tolist() == [3, 3, 3, 3, 3, 3, 1]
    assert got[1, :4].tolist() == [300, 300, 300, 100]
    assert by_chunks(x, None, sums, size=3).squeeze(2)[1].tolist() == [300] * 6 + [100]


def test_the_local_path_hears_its_chunk_only():
    torch.manual_seed(0)
    lstm, x = Blstm(4, 3), torch.randn(1, 600, 4)
    changed = x.clone()
    changed[0, 300] += 1
    moved = (by_chunks(x, None, lstm) - by_chunks(changed, None, lstm)).abs().sum(2)[0] > 0
    assert moved.nonzero().flatten().tolist()[0] >= 256
    assert moved.nonzero().flatten().tolist()[-1] < 512
    assert not torch.equal(lstm(x, None), by_chunks(x, None, lstm))


def test_dual_path_by_its_formula():
    torch.manual_seed(0)
    core, x = DualPathRnn(6, 3).eval(), torch.randn(2, 256, 6)

    def norm(y):
        return (y - y.mean(2, keepdim=True)) / (y.var(2, correction=0, keepdim=True) + 1e-3).sqrt()

    def both_ways(lstm, y):
        return torch.cat([lstm.ahead(y)[0], lstm.back(y.flip(1))[0].flip(1)], dim=2)

    first = x + norm(core.dense1(both_ways(core.local, x)))
    expected = first + norm(core.dense2(both_ways(core.song, first)))
    torch.testing.assert_close(core(x, None), expected)


def test_blstm_is_torchs_bidirectional_one():
    """Its packed sequences, which leave padding out by never reading it."""
    torch.manual_seed(0)
    ours = Blstm(5, 4)
    torchs = torch.nn.LSTM(5, 4, batch_first=True, bidirectional=True)
    x = torch.randn(3, 9, 5)
    state = ours.ahead.state_dict() | {f"{name}_reverse": p for name, p in ours.back.state_dict().items()}
    torchs.load_state_dict(state)
    torch.testing.assert_close(ours(x, None), torchs(x)[0])
    lengths = torch.tensor([4, 9, 1])
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    expected = pad_packed_sequence(torchs(packed)[0], batch_first=True)[0]
    inside = frame_mask(lengths, 9)
    torch.testing.assert_close(ours(x, lengths)[inside], expected[inside])


def test_lstm_starts_as_in_keras():
    for lstm in (Blstm(5, 4).ahead, Blstm(5, 4).back):
        assert lstm.bias_ih_l0.tolist() == [0] * 4 + [1] * 4 + [0] * 8
        assert lstm.bias_hh_l0.abs().sum() == 0
        assert not lstm.bias_hh_l0.requires_grad
        torch.testing.assert_close(lstm.weight_hh_l0.T @ lstm.weight_hh_l0, torch.eye(4))
        assert lstm.weight_ih_l0.abs().max() <= (6 / (5 + 16)) ** 0.5


def test_dual_path_in_its_chunks_by_its_formula():
    """Two chunks and a rest: the first LSTM begins anew in each, the second runs over all."""
    torch.manual_seed(0)
    core, x = DualPathRnn(6, 3, chunk=4).eval(), torch.randn(1, 10, 6)
    local = torch.cat([core.local(piece, None) for piece in x.split(4, dim=1)], dim=1)
    first = x + core.finish(core.dense1, local)
    torch.testing.assert_close(core(x, None), first + core.finish(core.dense2, core.song(first, None)))


def test_the_chunks_change_the_answer():
    torch.manual_seed(0)
    core, x = DualPathRnn(6, 3, chunk=4).eval(), torch.randn(1, 10, 6)
    chunked = core(x, None)
    core.chunk = 10  # the whole sequence in one, and none: the same
    whole = core(x, None)
    core.chunk = 0
    assert torch.equal(core(x, None), whole)
    assert not torch.allclose(chunked, whole)


def test_stacked_lstms_add_from_the_second_on():
    """Not the first, although its widths would let it."""
    torch.manual_seed(0)
    stack, x = StackedBlstm(6, 3, 3, residual=True), torch.randn(2, 7, 6)
    lengths = torch.tensor([7, 4])
    one = stack.layers[0](x, lengths)
    two = one + stack.layers[1](one, lengths)
    torch.testing.assert_close(stack(x, lengths), two + stack.layers[2](two, lengths))
    stack.residual = False
    two = stack.layers[1](one, lengths)
    torch.testing.assert_close(stack(x, lengths), stack.layers[2](two, lengths))


def test_dropout_draws_for_each_direction_and_in_training_alone():
    torch.manual_seed(0)
    lstm, x = Blstm(4, 3, dropout=0.5), torch.randn(1, 6, 4)
    kept = lstm.eval()(x, None)
    torch.testing.assert_close(kept, torch.cat([lstm.ahead(x)[0], lstm.back(x.flip(1))[0].flip(1)], dim=2))
    lstm.train()
    torch.manual_seed(3)
    got = lstm(x, None)
    torch.manual_seed(3)
    ahead, back = (torch.nn.functional.dropout(y, 0.5) for y in (x, x.flip(1)))
    assert not torch.equal(ahead == 0, back == 0)
    torch.testing.assert_close(got, torch.cat([lstm.ahead(ahead)[0], lstm.back(back)[0].flip(1)], dim=2))


def test_one_seed_draws_the_weights_that_it_drew_before_there_were_other_cells():
    """torch's own start of both, which is drawn and overwritten, then Keras's of both."""
    torch.manual_seed(4)
    ours = Blstm(5, 4)
    torch.manual_seed(4)
    both = [torch.nn.LSTM(5, 4, batch_first=True) for _ in range(2)]
    for lstm in both:
        torch.nn.init.xavier_uniform_(lstm.weight_ih_l0)
        torch.nn.init.orthogonal_(lstm.weight_hh_l0)
    for mine, lstm in zip((ours.ahead, ours.back), both, strict=True):
        assert torch.equal(mine.weight_ih_l0, lstm.weight_ih_l0)
        assert torch.equal(mine.weight_hh_l0, lstm.weight_hh_l0)
