/** Files of a run's folder that more than one part of the testbed writes or reads; the others are the artifacts'. */

/** What v4v-bench measured. */
export const SAMPLES = "samples.jsonl";

/** What gpu-bench measured; only of runs that measured a GPU. */
export const GPU_SAMPLES = "gpu.jsonl";

/** What counters say of the way that bytes take; only of whole profiles from quick on, with V4V. */
export const PATH_PROOF = "path.jsonl";

/** What a run was made of, CycloneDX; written when it begins, kept as it is. */
export const BILL = "sbom.cdx.json";

/** Until the run is complete: what it takes to go on with it. */
export const UNFINISHED = "unfinished.json";

/** All experiments' lines of progress while a run is measured. */
export const PROGRESS = "progress.json";
