"""Parts of benchmarks/gpu.py: what a machine with torch, torchaudio and numpy alone can check and time of earmark."""
