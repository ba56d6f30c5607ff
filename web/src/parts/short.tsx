// Dense tables write times as all others do.
export { Time as Short } from "./time";
