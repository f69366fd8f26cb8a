import Handlebars from "handlebars";
import { reportView, type ReportInput } from "./reportView.ts";

/**
 * report.html: one file that needs no network and no script. Handlebars escapes everything but the figures, whose
 * texts Vega has escaped.
 *
 * @param template text of templates/report.html.hbs
 */
export function renderReport(template: string, input: ReportInput): string {
  const render = Handlebars.compile(template, { strict: true });
  return render(reportView(input));
}
