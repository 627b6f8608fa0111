#!/usr/bin/env bash
# The chord model by the pipeline, from notes to bundle. Needs five SoundFonts, four to train with and another to choose
# and test by, and recordings of speech and of noises to mix in:
#
#   VOICES=LIBRISPEECH:open SOUNDS=ESC10:fold1,fold2,fold3 VAL_SOUNDS=ESC10:fold4 TEST_SOUNDS=ESC10:fold5 \
#     recipes/chord.sh POP909_FOLDER UNHEARD.sf2 TRAINING.sf2...
#
# Run it in a clone of its own: params.yaml gets the settings of recipes/chord.yaml, and is committed. The bundle is
# written into release/chord; BUNDLE=src/earmark/bundles/chord replaces the one that the package ships. The training
# begins with the bundle of a378893, which git keeps; CONDITIONS=FILE puts what chord_robustness.py --card wrote into the
# card, when the recipe is run again after it (nothing is rendered or trained twice).
# The bundle that ships was made at 886882c by a script of before, of the same songs, settings and seeds, with TimGM6mb,
# FluidR3_GM, OPL-3_FM_128M and sf_GMbank for training and MuseScore_General_Full for validation (Debian: timgm6mb-soundfont,
# fluid-soundfont-gm, opl3-soundfont, csound-soundfont, musescore-general-soundfont-lossless).
set -euo pipefail
cd "$(dirname "$0")/.."
start=data/renders/start

recipes/chord_renders.sh "$@"
mkdir -p "$start"
for file in config.json model.safetensors; do git show "a378893:src/earmark/bundles/chord/$file" > "$start/$file"; done
recipes/pipeline.sh chord data/renders recipes/chord.yaml --out "${BUNDLE:-release/chord}" \
  ${CONDITIONS:+--conditions="$CONDITIONS"} \
  --about "chords, bass and key of Western popular music" \
  --data "3600 generated songs and 1500 excerpts of 700 songs of POP909 (MIT; its chord labels come from the authors' \
algorithm), rendered by four SoundFonts, with rooms, noise, detuning and quiet passages, speech of LibriSpeech (CC BY \
4.0), generated singing, and stretches and whole recordings without music: noises, speech, drums, clips of ESC-10 (CC BY \
3.0); the weights that the training began with learnt from 14200 such songs, 5700 of them without voices"
