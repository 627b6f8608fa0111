#!/usr/bin/env bash
# The released chord model, from notes to bundle. Needs five SoundFonts, four to train with and another to validate, and
# recordings of speech and of noises to mix in:
#
#   VOICES=LIBRISPEECH:open SOUNDS=ESC10:fold1,fold2,fold3 VAL_SOUNDS=ESC10:fold4 \
#     recipes/chord.sh POP909_FOLDER VALIDATION.sf2 TRAINING.sf2...
#
# It is written into release/chord; BUNDLE=src/earmark/bundles/chord replaces the one that the package ships. The
# training goes on from the bundle of a378893, which git keeps; CONDITIONS=FILE puts what chord_robustness.py --card
# wrote into the card, when the recipe is run again after it (nothing is rendered or trained twice).
# Released with TimGM6mb, FluidR3_GM, OPL-3_FM_128M and sf_GMbank for training and MuseScore_General_Full for validation
# (Debian: timgm6mb-soundfont, fluid-soundfont-gm, opl3-soundfont, csound-soundfont, musescore-general-soundfont-lossless).
set -euo pipefail
cd "$(dirname "$0")/.."
out=${OUT:-data/renders}
bundle=${BUNDLE:-release/chord}
start=$out/start

recipes/chord_renders.sh "$@"
mkdir -p "$start"
for file in config.json model.safetensors; do git show "a378893:src/earmark/bundles/chord/$file" > "$start/$file"; done
python recipes/chord.py --start "$start" --train "$out/songs" --train "$out/pop909" --val "$out/val" --val "$out/val909" \
  --out "$bundle" ${CONDITIONS:+--conditions="$CONDITIONS"} \
  --words "3600 generated songs and 1500 excerpts of 700 songs of POP909 (MIT; its chord labels come from the authors' \
algorithm), rendered by four SoundFonts. Added were rooms, noise, detuning and quiet passages, speech of LibriSpeech (CC BY \
4.0), generated singing, and stretches and whole recordings without music: noises, speech, drums, clips of ESC-10 (CC BY \
3.0). The training went on from the weights of the bundle before, which learnt from 14200 such songs, 5700 of them without \
voices. Validated on 60 further generated songs and 60 excerpts of other POP909 songs, played by a fifth SoundFont."
