// The page is complete without this script but for its plots; what follows draws them and lets the table be sorted.
import { drawPlots } from "./plots";
import { enhanceTables } from "./table";

enhanceTables(document);
void drawPlots(document);
