type Direction = "ascending" | "descending";

/** Makes tables sortable by their headings and filterable by the controls that name them. */
export function enhanceTables(root: Document): void {
  for (const table of root.querySelectorAll<HTMLTableElement>("table[data-sortable]")) {
    for (const button of table.querySelectorAll<HTMLButtonElement>("thead button")) {
      const heading = button.closest("th");
      if (heading === null) continue;
      button.addEventListener("click", () => {
        const direction: Direction = heading.ariaSort === "ascending" ? "descending" : "ascending";
        sort(table, heading, direction);
      });
    }
  }
  for (const form of root.querySelectorAll<HTMLFormElement>("form[data-filters]")) {
    const table = root.getElementById(form.dataset["filters"] ?? "");
    if (!(table instanceof HTMLTableElement)) continue;
    const apply = (): void => filter(table, form);
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    apply();
  }
}

function sort(table: HTMLTableElement, heading: HTMLTableCellElement, direction: Direction): void {
  const body = table.tBodies[0];
  if (body === undefined) return;
  for (const other of table.querySelectorAll<HTMLTableCellElement>("thead th")) other.ariaSort = null;
  heading.ariaSort = direction;
  const column = heading.cellIndex;
  const key = (row: HTMLTableRowElement): string => row.cells[column]?.dataset["value"] ?? "";
  const rows = [...body.rows].map((row, index) => ({ row, index, key: key(row) }));
  const numeric = rows.every(({ key }) => key === "" || !Number.isNaN(Number(key)));
  rows.sort((a, b) => {
    // What has no value comes last, either way.
    if (a.key === "" || b.key === "") return a.key === b.key ? a.index - b.index : a.key === "" ? 1 : -1;
    const order = numeric ? Number(a.key) - Number(b.key) : a.key.localeCompare(b.key);
    return (direction === "ascending" ? order : -order) || a.index - b.index;
  });
  body.append(...rows.map(({ row }) => row));
}

function filter(table: HTMLTableElement, form: HTMLFormElement): void {
  const data = new FormData(form);
  const words = String(data.get("text") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const phase = String(data.get("phase") ?? "");
  const round = String(data.get("round") ?? "");
  let shown = 0;
  for (const row of table.tBodies[0]?.rows ?? []) {
    const text = (row.textContent ?? "").toLowerCase();
    const matches =
      words.every((word) => text.includes(word)) &&
      (phase === "" || row.dataset["phase"] === phase) &&
      (round === "" || row.dataset["round"] === round);
    row.hidden = !matches;
    if (matches) shown += 1;
  }
  const count = form.querySelector("output");
  if (count !== null) count.value = `${shown} of ${table.tBodies[0]?.rows.length ?? 0} trials`;
}
