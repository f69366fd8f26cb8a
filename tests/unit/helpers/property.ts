import fc from "fast-check";

// The same cases on every run; a failure prints what to repeat.
fc.configureGlobal({ seed: 20_250_131 });

export default fc;
