"use strict";
var __importDefault = (this && this.__importDefault) || function (mod) {
    return (mod && mod.__esModule) ? mod : { "default": mod };
};
Object.defineProperty(exports, "__esModule", { value: true });
exports.subscribeMany = subscribeMany;
const node_events_1 = require("node:events");
const ws_1 = __importDefault(require("ws"));
const OPENING_TOGETHER = 32;
const LOOK_EVERY_MS = 20;
/**
 * Opens sockets, each with its share of the subscriptions.
 * @param tokens each of a principal; sockets take turns among them
 */
async function subscribeMany(url, tokens, sockets, subscriptions, subscribed, withinMs) {
    const opened = [];
    const state = { events: 0, lost: 0 };
    const deadline = performance.now() + withinMs;
    let next = 0;
    const openNext = async () => {
        for (let index = next++; index < sockets; index = next++) {
            if (performance.now() > deadline)
                return;
            const socket = new ws_1.default(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
            let heard = () => undefined;
            socket.on('error', () => state.lost++);
            socket.on('close', () => heard());
            await (0, node_events_1.once)(socket, 'open');
            opened.push(socket);
            socket.on('message', (data) => {
                const { type } = JSON.parse(String(data));
                if (type === 'next')
                    state.events++;
                else if (type === 'connection_ack' || type === 'pong')
                    heard();
                else
                    state.lost++;
            });
            /** Sends, and waits until it is read: nobody opens thousands of subscriptions in one breath. */
            const say = (message) => new Promise((resolve) => {
                heard = resolve;
                socket.send(JSON.stringify(message));
            });
            await say({ type: 'connection_init', payload: { authorization: `Bearer ${tokens[index % tokens.length]}` } });
            for (let n = index; n < subscriptions && performance.now() < deadline; n += sockets) {
                const payload = { query: subscribed.query, variables: subscribed.variables?.(n) };
                socket.send(JSON.stringify({ id: String(n), type: 'subscribe', payload }));
                await say({ type: 'ping' });
            }
        }
    };
    await Promise.all(Array.from({ length: OPENING_TOGETHER }, openNext));
    const subscribers = {
        get events() {
            return state.events;
        },
        get lost() {
            return state.lost;
        },
        async reached(events, within) {
            const end = performance.now() + within;
            while (state.events < events && performance.now() < end) {
                await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
            }
            return state.events >= events;
        },
        async close() {
            await Promise.all(opened.map(async (socket) => {
                if (socket.readyState === socket.CLOSED)
                    return;
                const closed = (0, node_events_1.once)(socket, 'close');
                socket.close(1000);
                await closed;
            }));
        },
    };
    return subscribers;
}
