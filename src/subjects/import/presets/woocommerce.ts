import type { Preset } from './preset';

const orderId = ['order_id', 'Order ID', 'order_number', 'Order Number', 'Order #'];

export const woocommerce: Preset = {
  product: 'WooCommerce',
  kinds: {
    customers: {
      export: 'Customers of the analytics, or of an export plugin, CSV',
      fields: {
        externalId: ['ID', 'customer_id', 'Customer ID', 'user_id', 'Email'],
        firstName: ['first_name', 'billing_first_name', 'First Name', 'Name'],
        lastName: ['last_name', 'billing_last_name', 'Last Name'],
        email: ['user_email', 'email', 'Email', 'billing_email'],
        phone: ['billing_phone', 'Phone', 'phone'],
        residency: ['billing_country', 'Country / Region', 'Country'],
        'postalAddress.street': ['billing_address_1', 'Address'],
        'postalAddress.city': ['billing_city', 'City'],
        'postalAddress.region': ['billing_state', 'Region'],
        'postalAddress.postalCode': ['billing_postcode', 'Postal Code'],
        'postalAddress.country': ['billing_country', 'Country / Region', 'Country'],
        createdAt: ['user_registered', 'date_registered', 'Sign Up'],
        'attributes.company': ['billing_company'],
      },
      note: "The analytics' own export has no id: there an address is the key.",
    },
    orders: {
      export: 'Orders of an export plugin, CSV',
      fields: {
        externalId: orderId,
        customerEmail: ['billing_email', 'customer_email', 'Email (Billing)', 'Billing Email'],
        customerExternalId: ['customer_id', 'customer_user', 'Customer User ID', 'Customer ID'],
        placedAt: ['order_date', 'date_created', 'Order Date', 'Date'],
        currency: ['order_currency', 'currency', 'Order Currency'],
        total: ['order_total', 'total', 'Order Total Amount', 'Order Total'],
        status: ['status', 'order_status', 'Order Status', 'Status'],
      },
      note: 'It finds its customer by e-mail where the file has one: guests have no id.',
    },
    'order-items': {
      export: 'Orders of an export plugin with a row for each item, the same file',
      fields: {
        externalId: orderId.map((column) => [column, '#']),
        orderExternalId: orderId,
        name: ['item_name', 'product_name', 'Item Name', 'Product Name'],
        quantity: ['item_quantity', 'quantity', 'Quantity', 'Qty'],
        unitPrice: ['item_price', 'Item Cost', 'Item Price'],
      },
    },
  },
};
