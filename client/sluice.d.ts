export type Options = {
    /**
     * asked for a JWT at each connection and before the last one
     * expires; left out where the upgrade carries a cookie
     */
    token?: () => string | Promise<string>;
    /**
     * a payload as it was published,
     * and its channel; `undefined` if the server speaks only version 1 of the protocol
     */
    onMessage?: (data: string | ArrayBuffer, from: {
        channel?: string;
    }) => void;
    /**
     * from here on the channel is
     * heard, told after each return as well; `retained`: the newest publication follows
     */
    onSubscribed?: (subscribed: {
        channel: string;
        retained: boolean;
    }) => void;
    /**
     * so many publications were passed over
     * because this client was too slow; the newest follows
     */
    onMissed?: (missed: {
        channel: string;
        count: number;
    }) => void;
    /**
     * publications may be lost; once it has an
     * `until`, fetch what depends on them
     */
    onGap?: (gap: {
        since: string;
        until: string | null;
    }) => void;
    /**
     * something was refused, with
     * an error code of the protocol, or `revoked` (a channel), or `no_token` (none to refresh with); `bad_channel` also
     * for a name that could not even be sent
     */
    onError?: (error: {
        code: string;
        message: string;
        channel?: string;
    }) => void;
    onState?: (state: State) => void;
    /**
     * ms, at least the server's `sluice.heartbeat.interval`; silent for three, it is left
     */
    heartbeat?: number;
    /**
     * ms to wait for a connection, token included; for `token()` and its answer on renewal; and
     * for the answer to a subscription before it is asked for again
     */
    timeout?: number;
    /**
     * bytes, at most the server's `sluice.max-frame`; nothing longer is sent
     */
    maxFrame?: number;
    /**
     * ms before the first attempt to come back, at most; doubled for each other
     */
    firstDelay?: number;
    /**
     * ms before any attempt, at most
     */
    maxDelay?: number;
    /**
     * another than the global one
     */
    WebSocket?: new (url: string, protocols?: string[]) => WebSocket;
};
export type State = {
    name: 'connecting';
} | {
    name: 'open';
    user: string;
} | {
    name: 'waiting';
    delay: number;
    code: number;
    reason: string;
} | {
    name: 'closed';
    code: number;
    reason: string;
};
export type Shown = {
    id: string;
    token: string;
    receivedAt: number;
    pending: boolean;
    answered: (accepted: boolean) => void;
};
export declare class Sluice {
    #private;
    /**
     * Connects, as `new WebSocket` does.
     *
     * @param {string | URL} url absolute, or relative to the page: `/ws`
     * @param {Options} [options]
     */
    constructor(url: string | URL, options?: Options);
    get state(): State;
    /**
     * Listens to a channel, now and after each return. Several may listen to the same: it ends with the last of them. A
     * name that can't be a channel's is not sent; `onError` is told `bad_channel`.
     *
     * @param {string} channel such as `upload:42`
     * @returns {() => void} ends it
     */
    subscribe(channel: string): () => void;
    /**
     * Shows a new token now, as when it grants more than the last one; before that one expires it happens by itself.
     *
     * @returns {Promise<boolean>} whether it was accepted; if not, or not in time, the last one still counts. False as well
     *   where there is no connection or it is lost meanwhile; rejects where `token()` gave none in time
     */
    refresh(): Promise<boolean>;
    /** Ends it for good. */
    close(): void;
}
