#!/usr/bin/env bash
# The released speaker model, from recordings to bundle:
#
#   recipes/speaker.sh SPK_ARABIC30 SPK_LIBRISPEECH261
#
# It is written into release/speaker; BUNDLE=src/earmark/bundles/speaker replaces the one that the package ships.
# The first has 18 speakers to train on, 6 to choose on and 6 to test on, recorded in five rounds; the second 248 speakers
# of LibriSpeech to train on, most of them heard in one utterance, and the fold `crossutt` of 10 others to test on.
set -euo pipefail
cd "$(dirname "$0")/.."
python recipes/speaker.py --voices "$1" --voices "$2@crossutt" --out "${BUNDLE:-release/speaker}" \
  --words "18 speakers of single Arabic words in five recording rounds (CC BY 4.0) and 248 speakers of LibriSpeech, \
2.2 s pieces, most of them of one utterance (CC BY 4.0); validated on 6 further speakers of the first. \
Whitening and the share of the statistics were chosen on those 6 and on 48 speakers of LibriSpeech that a training for \
this choice did without (recipes/speaker_share.py); earlier models had been measured on the same test speakers."
