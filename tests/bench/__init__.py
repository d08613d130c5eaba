"""The benchmark: a company of a stated size, the workloads of a day's work against it through HTTP, and beside each the same result by hand-written SQL."""
