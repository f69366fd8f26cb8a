import { join, resolve } from "node:path";

export const PROJECT = resolve(import.meta.dirname, "../..");
export const PROJECT_NAME = "v4vsockets-testbed";
export const ARTIFACTS = join(PROJECT, "artifacts");
export const DEFAULT_STACK = "dev";
