import { OverlayError } from '@overlay/failure';

/**
 * The failure of a log that has records but no address space. Masters write the address space first and an import
 * writes it last, so an import was interrupted there; nobody may serve what is half of a log.
 */
export function unfinishedImport(): OverlayError {
  const message = 'the overlay log has records but no address space: an import into it was interrupted';
  const way = 'repeat "overlayctl log import" with a whole export, which replaces what is there';
  return new OverlayError('failed_precondition', `${message}; ${way}`);
}
