#!/usr/bin/env bash
# A recipe by the pipeline, in the project's folder: settings into params.yaml, a commit, `dvc repro`, the registry and
# the bundle, which so carries the commit, the train key and the data's hash.
#
#   recipes/pipeline.sh TASK RECORDINGS RECIPE.yaml OPTIONS_OF_RELEASE...
set -euo pipefail
task=$1 recordings=$2 recipe=$3
shift 3

earmark use "$task" "$recordings" --recipe "$recipe"
git add params.yaml
git diff --cached --quiet || git commit --quiet --message "Settings of $recipe for $task" params.yaml
dvc repro "publish@$task"
earmark promote "$task"
earmark release "$task" "$@"
