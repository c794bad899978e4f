# Environment of a training run: glibc keeps large blocks (twice as fast), oneDNN uses what the CPU has.
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=4294967296 MALLOC_TOP_PAD_=268435456 OMP_NUM_THREADS=1
