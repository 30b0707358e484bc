/** Workflow types of the framework itself; every other type in a worker is a pipeline. */
export const frameworkWorkflows: readonly string[] = ['archive', 'endpoint', 'monitor'];
