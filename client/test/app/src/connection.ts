// The page's connection. A real page fetches its token; that of the test has it after the `#`.

import { Sluice } from 'sluice-client';

export const sluice = new Sluice('/ws', { token: () => location.hash.slice(1), firstDelay: 100 });
export const query = new URLSearchParams(location.search);
