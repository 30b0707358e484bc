/**
 * The workflows that a worker registers beside the project's pipelines. Kept apart from `perdura/steps`: Temporal starts any function that the
 * workflow module exports.
 */
export { archive } from './archive.ts';
export { endpoint } from './endpoint.ts';
export { monitor } from './monitor.ts';
