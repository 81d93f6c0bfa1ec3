// The right half: the page that explains a network, drawn by the scripts of the package.
import { show } from "./report/page.js";

export async function showReport(root, { ask, lang, isCurrent }) {
  const data = await ask("report", { lang });
  if (!isCurrent()) return;
  const frame = root.parentElement;
  const { scrollTop } = frame;
  show(root, data);
  frame.scrollTop = scrollTop; // who is reading further down stays there while the text changes
}
