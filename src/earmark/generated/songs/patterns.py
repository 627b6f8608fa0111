"""Rhythms of the generated chord songs, by metre: 4 quarters a bar, or 3 (a waltz, or six eighths).

A string is a bar, or several between '|'; its characters share the bar equally, so that it counts eighths, or, twice as
long, sixteenths. '-' holds the note before it, '.' is silence. What is named twice is drawn twice as often.
"""

# 'X' and 'x' strike the whole voicing ('X' with an accent), 'U' is an upstroke of its upper notes, 'b' its lowest note,
# 'h' all but the lowest; digits are single notes counted from the lowest.
COMPS = {
    4: (
        "X-------", "X---x---", "X---x---", "X-x-X-x-", "X-x-X-x-", "XxxxXxxx", "XxxxXxxx", ".x.x.x.x", ".X.X.X.X",
        "X--x----", "X--x..x.", "X--x--x-", "b-h-b-h-", "b-h-b-hh", "..X...X.", "x.X.x.X.", "X-.x-.x-|..x-.x-.",
        "X--x--x-|..x--x..", "01210121", "02123212", "0-2-1-2-", "01232123", "0123432101234321", "0123012301230123",
        "0212021202120212", "X-X-XUXU", "X-XU.UXU", "X-XU.UXU", "X---X-XU|X-XU.UXU", "X..X..X.....X...",
        "X..x.x..X..x.x..", "X.xxX.xx", "x.xX.xx.", "xxxxxxxxxxxxxxxx", "X.......x.x.....", "X.x...x.X..x..x.",
        "X---....", "b---h---", "b--hb-h-", "0-1-2-3-", "3210", "X-------|--------", "X-X-X-X-X-X-X-X-",
        ".xx..xx.|.xx.x...", "X.......", "b.x.b.x.",
    ),
    3: (
        "X-----", "X-x-x-", "b-h-h-", "b-h-h-", "b-h-h-", "b-h.h.", "012321", "012121", "0-1-2-", "X---x-",
        "X-XUXU", "XxXxXx", "..x.x.", "..X-X-", "012345012345", "X--x--", "X.....", "b-hh.h", "b-h-hh", "X-x-xU",
        "0-2-1-", "b-----|..h-h-",
    ),
}  # fmt: skip
# 'R' is the label's bass, 'O' its octave, 'F' the fifth, 'T' the third, 'S' the sixth (minor: seventh), 'C' any chord
# note, 'A' a semitone or two beside the next bass.
BASSES = {
    4: (
        "R-------", "R---R---", "R---F---", "R---F---", "R-R-R-R-", "RRRRRRRR", "RRRRRRRR", "RORORORO", "R-O-R-O-",
        "R-T-F-O-", "R-T-F-A-", "R-C-C-A-", "R-C-C-A-", "R-C-F-A-", "R--RF--R", "R--FF--O", "R--F--R-", "..R...R.",
        "R..F..R.", "R-----RF--R---O-", "R..R..O...R.R.A.", "R---....", "R.R.R.R.", "R--R--R-", "R-------|--------",
        "R-----FR", "R...F...", ".R.R.R.R", "R---F---", "R-F-R-F-", "R---F-F-", "R--FF--F", "R-F-O-F-", "RRRRFFFF",
        "R-------|F-------", "R-T-F-S-", "R-T-F-S-|O-S-F-T-", "R-T-F-T-",
    ),
    3: (
        "R-----", "R-----|F-----", "R-F-F-", "R---F-", "R-T-F-", "R.....", "RRRRRR", "R-C-A-", "R--F--",
        "R-----|------", "R-----|F-----", "R-F-O-", "R-S-F-",
    ),
}  # fmt: skip
# Bass lines that walk.
WALKS = {
    4: ("x-x-x-x-", "x-x-x-x-", "x-x-x-xx", "x---x---", "x---x-x-", "xxxxxxxx", "x--xx-x-"),
    3: ("x-x-x-", "x-x-x-", "x---x-", "x-----", "x-x-xx"),
}
# Kick, snare, time keeping; 'X' is loud.
DRUMS = {
    4: (
        ("X...X...", "..X...X.", "xxxxxxxx"), ("X..x.x..", "..X...X.", "XxXxXxXx"),
        ("X..xX..x", "x..x..x.|..x.x...", "xxxxxxxx"), ("X.X.X.X.", "..X...X.", ".X.X.X.X"),
        ("X.XxX.Xx", "..X...X.", "X.X.X.X."), ("XxXxXxXxXxXxXxXx", "....X.......X...", "X...X...X...X..."),
        ("X.....X...X.....", "....X.......X..x", "xxxxxxxxxxxxxxxx"), ("X..x..x.", "..X..xX.", "x.x.x.x."),
        ("x.......", "..x...x.", "X.xxX.xx"), ("X...X...", "xXxxxXxx", "..x...x."),
        ("X.......|X.x.....", "....X...", "x.x.x.x."), ("........", "..x...x.", "xxxxxxxx"),
        ("X..X..X.", "....X...", "XXXXXXXX"), ("x..x....", "xxxxxxxXxxxxxXxx", "X...X..."),
    ),
    3: (
        ("X.....", "..x.x.", "x.x.x."), ("X.....", "..X.X.", "xxxxxx"), ("X..x..", "...X..", "xxxxxx"),
        ("X....x", "...X..", "XxxXxx"), ("X.....", "....x.", "x.xxx."), ("X.X.X.", "..X.X.", "XXXXXX"),
        ("......", "..x.x.", "x....."), ("X.XX..", "...X.X", "XxXxXx"),
    ),
}  # fmt: skip
# Melodies.
MELODIES = {
    4: (
        "x---x---", "x-x-x-x-", "x--x--x-", "xxxxxxxx", "x-xxx-x-", ".x-xx---", "..x-x-x-|x-------", "x-----xx",
        "x.xx.x.x", "........|x-x-x---",
    ),
    3: (
        "x-----", "x---x-", "x-x-x-", "xxxxxx", "x-xxx-", "......|x-x-x-",
    ),
}  # fmt: skip
