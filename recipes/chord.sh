#!/usr/bin/env bash
# The released chord model, from notes to bundle. Needs five SoundFonts, four to train with and another to validate:
#
#   recipes/chord.sh POP909_FOLDER VALIDATION.sf2 TRAINING.sf2...
#
# It is written into release/chord; BUNDLE=src/earmark/bundles/chord replaces the one that the package ships.
# Released with TimGM6mb, FluidR3_GM, OPL-3_FM_128M and sf_GMbank for training and MuseScore_General_Full for validation
# (Debian: timgm6mb-soundfont, fluid-soundfont-gm, opl3-soundfont, csound-soundfont, musescore-general-soundfont-lossless).
set -euo pipefail
cd "$(dirname "$0")/.."
out=${OUT:-data/renders}
bundle=${BUNDLE:-release/chord}

recipes/chord_renders.sh "$@"
python recipes/chord.py --train "$out/songs" --train "$out/pop909" --val "$out/val" --val "$out/val909" \
  --out "$bundle" \
  --words "3600 generated songs and 2100 excerpts of 700 songs of POP909 (MIT; its chord labels come from the authors' \
algorithm), rendered by four SoundFonts with rooms, noise and detuning added; validated on 60 further generated songs and \
60 excerpts of other POP909 songs, played by a fifth SoundFont."
