"""What a study's recordings are judged by."""

# By task; each is a quotient of sums over recordings. The first one is the headline, the one that a study is about.
FIGURES = {
    "genre": ("accuracy",),
    "chord": ("majmin", "tetrads", "chord529_accuracy", "root", "bass", "seg", "key_accuracy", "transition_f1"),
}
COMPARED = 3  # so many of them are compared between cells
