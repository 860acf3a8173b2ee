import { Command, Option } from 'commander';
import type {
  CommonOptions,
  DiagnoseOptions,
  RepairOptions,
  ReplayOptions,
  ScanOptions,
  SchemaOptions,
  VerifyOptions,
} from './command-options.js';
import type { ExitCode } from './exit-codes.js';
import { createIo, type Io } from './io.js';
import { commanderSays, reportError } from './report-error.js';
import { checkScanId, collectScanIds } from './scan-id.js';
import { scanOptionsFrom, withScanOptions } from './scan-options.js';
import { guardOutput } from './output-guard.js';
import { checkOwner, checkValues, describeOption, isSwitchedOn, settableOption } from './settable-option.js';
import { StopSignals } from './signals.js';
import { checkUntil } from './until.js';
import { VERSION } from './version.js';

/** Runs a command line; the exit code is set, what went wrong is said. */
export async function runProgram(argv: readonly string[]): Promise<void> {
  const wantsJson = argv.includes('--json') || isSwitchedOn('--json');
  guardOutput(wantsJson);
  try {
    await createProgram().parseAsync(argv);
  } catch (error) {
    process.exitCode = reportError(error, wantsJson);
  }
}

type Run<O> = (options: O, io: Io) => Promise<ExitCode>;

/** Runs a command's module, loaded only now so that every other command starts without it. */
async function execute<O extends CommonOptions>(
  options: O,
  load: (io: Io, options: O) => Promise<Run<O>>,
): Promise<void> {
  const io = createIo({ json: options.json, quiet: options.quiet });
  const run = await load(io, options);
  process.exitCode = await run(options, io);
}

/**
 * Loading takes a moment: whoever stops a scan then gets an answer, too, and another process looks at the mount
 * meanwhile.
 */
async function loadScan(io: Io, { mountPath, ioTimeoutMs }: ScanOptions): Promise<Run<ScanOptions>> {
  const signals = new StopSignals((error) => {
    io.json(error);
  });
  const { MountLook } = await import('../src/health/mount.js');
  const look = new MountLook(mountPath, ioTimeoutMs);
  const { runScan } = await import('./scan.js');
  return (options) => runScan(options, io, { signals, look });
}

function command(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .configureHelp({ optionDescription: describeOption })
    .hook('preAction', (_program, self) => {
      checkValues(self);
      checkOwner();
    })
    .addHelpText('after', '\nThe environment sets the same: --data-dir DIR is NAS_SCANNER_DATA_DIR=DIR.')
    .addOption(settableOption('--data-dir <dir>', 'where journal, catalog and logs live'))
    .addOption(settableOption('--db-name <file>', "the catalog's file name"))
    .addOption(settableOption('--json', 'print one JSON object', false))
    .addOption(settableOption('--quiet', 'print only what went wrong', false));
}

const scanId = (fallback: string): Option =>
  new Option('--scan <id>', `a scan of the journal (see scans); default: ${fallback}`).argParser(checkScanId);

/** The whole command line. Parsing errors throw CommanderError. */
export function createProgram(): Command {
  const program = new Command('nas-scanner')
    .description('Catalogs the files of a NAS mount into SQLite, through a journal that loses nothing.')
    .version(VERSION)
    .showHelpAfterError('(nas-scanner --help shows the commands)')
    .addHelpText('after', EXAMPLES);
  addScanCommands(program);
  addJournalCommands(program);
  addReadingCommands(program);
  addInnerCommands(program);
  for (const each of [program, ...program.commands]) each.exitOverride().configureOutput({ outputError });
  return program;
}

/** What takes the options of a scan. */
function addScanCommands(program: Command): void {
  program.addCommand(
    withScanOptions(command('scan', 'scan a mount into the catalog'))
      .argument('<path>', 'the directory to scan, for example /mnt/user/Archive')
      .argument('<name>', 'what the catalog calls it, for example Archive')
      .action((path: string, name: string, _options, self: Command) =>
        execute(scanOptionsFrom(self, path, name), loadScan),
      ),
  );
  program.addCommand(
    withScanOptions(command('preflight', 'check everything a scan needs, without scanning'))
      .argument('<path>', 'the directory that would be scanned')
      .action((path: string, _options, self: Command) =>
        execute(scanOptionsFrom(self, path, ''), async () => (await import('./preflight.js')).runPreflight),
      ),
  );
}

/** What works on the journal and makes the catalog from it. */
function addJournalCommands(program: Command): void {
  program.addCommand(
    command('replay', 'rebuild the catalog from the journal')
      .addOption(new Option('--scan <id...>', 'only these scans').argParser(collectScanIds))
      .addOption(
        new Option(
          '--until <scan|time>',
          'the catalog as it was then; a time without a zone is local',
        ).argParser(checkUntil),
      )
      .option('--to <file>', 'write it there instead of in place')
      .action((options: ReplayOptions) =>
        execute(options, async () => (await import('./replay.js')).runReplay),
      ),
  );
  program.addCommand(
    command('verify', 'read every record of the journal and say what is sound')
      .addOption(scanId('all'))
      .option(
        '--catalog',
        'compare every row of the catalog too, however large the journal; takes as long as a replay',
        false,
      )
      .action((options: VerifyOptions) =>
        execute(options, async () => (await import('./verify.js')).runVerify),
      ),
  );
  program.addCommand(
    command('repair', 'cut torn tails off, after copying them to quarantine')
      .addOption(scanId('all'))
      .option('--dry-run', 'only say what would be done', false)
      .action((options: RepairOptions) =>
        execute(options, async () => (await import('./repair.js')).runRepair),
      ),
  );
}

/** What shows how things stand, and the few others that take no options of their own. */
function addReadingCommands(program: Command): void {
  program.addCommand(
    command('diagnose', 'say what went wrong and what to do')
      .alias('debug')
      .addOption(scanId('the last'))
      .option('--offline', 'look at the journal alone', false)
      .option('--html <file>', 'write a page to look at or to share')
      .option('--redact', 'mask paths', false)
      .action((options: DiagnoseOptions) =>
        execute(options, async () => (await import('./diagnose.js')).runDiagnose),
      ),
  );
  const simple: [string, string, () => Promise<Run<CommonOptions>>][] = [
    ['status', 'the running or last scan, once', async () => (await import('./status.js')).runStatus],
    ['monitor', 'the running scan, live', async () => (await import('./monitor.js')).runMonitor],
    ['stats', 'totals by mount and type', async () => (await import('./stats.js')).runStats],
    ['scans', 'every scan in the journal', async () => (await import('./scans.js')).runScans],
    [
      'cleanup',
      'remove containers left by dead scans',
      async () => (await import('./cleanup.js')).runCleanup,
    ],
    [
      'self-test',
      'prove that all of it works here',
      async () => (await import('./self-test.js')).runSelfTest,
    ],
  ];
  for (const [name, description, load] of simple) {
    program.addCommand(command(name, description).action((options: CommonOptions) => execute(options, load)));
  }
  program.addCommand(
    command('schema', 'the JSON Schema of what a command prints with --json')
      .argument('[command]', 'default: a list of all')
      .action((of: string | undefined, options: CommonOptions) =>
        execute<SchemaOptions>(
          { ...options, ...(of === undefined ? {} : { of }) },
          async () => (await import('./schema.js')).runSchema,
        ),
      ),
  );
}

/** What the program starts by itself, in workers and containers. */
function addInnerCommands(program: Command): void {
  // The program's entry runs it; here it is for whoever forgets the task.
  program.addCommand(new Command('worker').requiredOption('--task <file>'), { hidden: true });
  program.addCommand(
    new Command('probe').requiredOption('--task <file>').action(async (options: { task: string }) => {
      const { runProbe } = await import('../src/health/probe-program.js');
      process.exitCode = await runProbe(options.task);
    }),
    { hidden: true },
  );
}

function outputError(text: string, write: (text: string) => void): void {
  const { message, hint } = commanderSays(text);
  write(`${message}\n${hint === undefined ? '' : `${hint}\n`}`);
}

const EXAMPLES = `
Examples:
  nas-scanner scan /mnt/user/Archive Archive  scan a share into the catalog
  nas-scanner status                          how the running or last scan is
  nas-scanner diagnose                        what went wrong, and what to do
  nas-scanner stats                           files and bytes by share and type

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done but some entries could not
be read, 4 incomplete, 5 journal not sound, 11 another scan is running,
130 Ctrl-C, 143 SIGTERM.
`;
