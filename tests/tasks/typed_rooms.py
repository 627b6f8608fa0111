"""Every task's rooms, held to what `earmark.tasks.rooms` says by the type checker (`make lint`); nothing runs here."""

import earmark.tasks.chord.commands
import earmark.tasks.chord.corpora
import earmark.tasks.chord.dataset
import earmark.tasks.chord.evaluate
import earmark.tasks.chord.features
import earmark.tasks.chord.folds
import earmark.tasks.chord.predictions
import earmark.tasks.chord.score
import earmark.tasks.chord.train
import earmark.tasks.genre.commands
import earmark.tasks.genre.corpora
import earmark.tasks.genre.dataset
import earmark.tasks.genre.evaluate
import earmark.tasks.genre.features
import earmark.tasks.genre.folds
import earmark.tasks.genre.predictions
import earmark.tasks.genre.score
import earmark.tasks.genre.train
import earmark.tasks.speaker.commands
import earmark.tasks.speaker.corpora
import earmark.tasks.speaker.dataset
import earmark.tasks.speaker.evaluate
import earmark.tasks.speaker.features
import earmark.tasks.speaker.folds
import earmark.tasks.speaker.predictions
import earmark.tasks.speaker.score
import earmark.tasks.speaker.train
from earmark.tasks import rooms

CORPORA: list[rooms.CorporaRoom] = [
    earmark.tasks.chord.corpora,
    earmark.tasks.genre.corpora,
    earmark.tasks.speaker.corpora,
]
FEATURES: list[rooms.FeaturesRoom] = [
    earmark.tasks.chord.features,
    earmark.tasks.genre.features,
    earmark.tasks.speaker.features,
]
DATASET: list[rooms.DatasetRoom] = [
    earmark.tasks.chord.dataset,
    earmark.tasks.genre.dataset,
    earmark.tasks.speaker.dataset,
]
TRAIN: list[rooms.TrainRoom] = [
    earmark.tasks.chord.train,
    earmark.tasks.genre.train,
    earmark.tasks.speaker.train,
]
PREDICTIONS: list[rooms.PredictionsRoom] = [
    earmark.tasks.chord.predictions,
    earmark.tasks.genre.predictions,
    earmark.tasks.speaker.predictions,
]
EVALUATE: list[rooms.EvaluateRoom] = [
    earmark.tasks.chord.evaluate,
    earmark.tasks.genre.evaluate,
    earmark.tasks.speaker.evaluate,
]
FOLDS: list[rooms.FoldsRoom] = [
    earmark.tasks.chord.folds,
    earmark.tasks.genre.folds,
    earmark.tasks.speaker.folds,
]
SCORE: list[rooms.ScoreRoom] = [
    earmark.tasks.chord.score,
    earmark.tasks.genre.score,
    earmark.tasks.speaker.score,
]
COMMANDS: list[rooms.CommandsRoom] = [
    earmark.tasks.chord.commands,
    earmark.tasks.genre.commands,
    earmark.tasks.speaker.commands,
]
