// In a file of its own: the island of data that it holds, shown.

import { show } from "./page.js";

show(document.getElementById("cnncalc"), JSON.parse(document.getElementById("data").textContent));
