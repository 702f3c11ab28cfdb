/** Which native module a platform needs. */

interface ReportHeader {
  readonly glibcVersionRuntime?: string;
}

function isMusl(): boolean {
  const report = process.report.getReport() as { header?: ReportHeader };
  return report.header?.glibcVersionRuntime === undefined;
}

/** Returns the name of this platform, as the package with its native module carries it. */
export function platformName(): string {
  const base = `${process.platform}-${process.arch}`;
  if (process.platform === 'linux') {
    return `${base}-${isMusl() ? 'musl' : 'gnu'}`;
  }
  return process.platform === 'win32' ? `${base}-msvc` : base;
}
