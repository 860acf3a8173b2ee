import type { DiagnosisReport } from './diagnosis-report.js';

export function renderPage(report: DiagnosisReport): string {
  return `<!doctype html><title>${report.diagnosis.scan ?? ''}</title>`;
}
