#!/usr/bin/env bash
# The speaker model by the pipeline, from recordings to bundle; both folders lie in VOICES:
#
#   recipes/speaker.sh VOICES spk_arabic30 spk_librispeech261
#
# The first has 18 speakers to train on, 6 to choose on and 6 to test on, recorded in five sessions; the second 248 speakers
# of LibriSpeech to train on, most of them heard in one utterance, and the fold `crossutt` of 10 others to test on. Run it
# in a clone of its own: params.yaml gets the settings of recipes/speaker.yaml, and is committed. The bundle is written
# into release/speaker; BUNDLE=src/earmark/bundles/speaker replaces the one that the package ships, which was made at
# c4b125f by a script of before: it trained the two towers one after the other, and the second for 30 epochs.
set -euo pipefail
cd "$(dirname "$0")/.."
voices=$1 first=$2 second=$3

python recipes/join.py speaker "$voices" "$first" "$second@crossutt"
recipes/pipeline.sh speaker "$voices" recipes/speaker.yaml --out "${BUNDLE:-release/speaker}" \
  --about "voices, whoever they belong to" \
  --data "18 speakers of single Arabic words in five recording sessions (CC BY 4.0) and 248 speakers of LibriSpeech, \
2.2 s pieces, most of them of one utterance (CC BY 4.0), validated on 6 further speakers of the first; whitening and the \
share of the statistics were chosen on those 6 and on 48 speakers of LibriSpeech that a training for this choice did \
without (recipes/speaker_share.py)"
