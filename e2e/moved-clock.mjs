// Preloaded into a process (`node --import`), this moves the wall clock that the process sees by
// OVERLAY_CLOCK_STEP_MS at each SIGUSR2. The monotonic clock stays, as it does when an operator sets the time.
const SystemDate = Date;
let movedMs = 0;

process.on('SIGUSR2', () => {
  movedMs += Number(process.env.OVERLAY_CLOCK_STEP_MS ?? 0);
});

globalThis.Date = class extends SystemDate {
  constructor(...parts) {
    if (parts.length === 0) super(SystemDate.now() + movedMs);
    else super(...parts);
  }

  static now() {
    return SystemDate.now() + movedMs;
  }
};
