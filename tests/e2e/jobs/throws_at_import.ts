export function never(): void {}

throw new Error("thrown while the module was loaded");
