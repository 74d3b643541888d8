export default () => 1;
throw new Error("broken at import");
