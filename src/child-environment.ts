/**
 * The environment of a Node process of ours. With NODE_EXTRA_CA_CERTS Node reads all certificates it knows at every start,
 * which takes longer than the start itself; none of our children talks to anybody.
 */
export function childEnvironment(more: Record<string, string>): NodeJS.ProcessEnv {
  return { ...process.env, NODE_EXTRA_CA_CERTS: undefined, ...more };
}
